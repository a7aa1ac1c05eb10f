/**
 * Draws docs/dashboard.svg. Runs the service with Redis and a real Prometheus for some minutes, in
 * which Redis fails and the incomes change:
 *
 *     pnpm picture:dashboard
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { redisUrl, startRedis, startService } from "../../../bench/src/server.ts";
import { type DrawnPanel, drawDashboard } from "./dashboard-picture.ts";
import { readPanels, withoutVariables } from "./generated-files.ts";
import { Prometheus, type Series } from "./prometheus.ts";
import { Traffic } from "./traffic.ts";

const pictureFile = join(import.meta.dirname, "../../../docs/dashboard.svg");
const caption =
  "The panels of infra/monitoring/dashboard.json with what a real Prometheus answered to their queries; drawn by pnpm picture:dashboard, not by Grafana. Redis hangs for 10 s, and then incomes rise.";

/** The length of each phase of the recording. */
const phaseMs = 60_000;
const hangMs = 10_000;
const stepSeconds = 3;

await using redis = await startRedis();
await using service = await startService({ environment: { REDIS_URL: redisUrl(redis) } });
await using prometheus = await Prometheus.start(service.port);
const traffic = new Traffic(service.port);
await delay(phaseMs / 3);
const start = Date.now() / 1000;
await delay(phaseMs);
redis.process.kill("SIGSTOP");
await delay(hangMs);
redis.process.kill("SIGCONT");
await delay(phaseMs);
traffic.incomeFactor = 1.6;
await delay(phaseMs);
const end = Date.now() / 1000;

const nameOf = (legend: string, { labels }: Series) =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => labels[label] ?? "");

const panels: DrawnPanel[] = [];
for (const { title, type, gridPos, fieldConfig, targets } of readPanels()) {
  const { unit = "short", thresholds } = fieldConfig?.defaults ?? {};
  const lines = [];
  for (const { expr, legendFormat } of targets) {
    const query = withoutVariables(expr, "15s");
    for (const series of await prometheus.queryRange(query, { start, end, stepSeconds })) {
      lines.push({ name: nameOf(legendFormat, series), points: series.points });
    }
  }
  const limit = thresholds?.steps.at(-1)?.value ?? undefined;
  panels.push({ title, type, unit, gridPos, limit, lines });
}
await traffic.stop();
writeFileSync(pictureFile, drawDashboard(panels, caption));
