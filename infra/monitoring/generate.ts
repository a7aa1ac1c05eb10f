/**
 * Writes Grafana's dashboard and Prometheus' rules:
 *
 *     pnpm monitoring
 */

import { writeFileSync } from "node:fs";
import { files } from "./files.ts";

for (const { path, content } of files) writeFileSync(path, content);
