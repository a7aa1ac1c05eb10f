import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withMetricTables } from "./metrics-page.ts";

// Writes the metrics of the service into docs/metrics.md: pnpm metrics
const path = join(import.meta.dirname, "../docs/metrics.md");
writeFileSync(path, withMetricTables(readFileSync(path, "utf8")));
