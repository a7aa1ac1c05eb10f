import { describe, expect, vi } from "vitest";
import { redisUrl, startRedis, startService } from "../../../bench/src/server.ts";
import { readPanels, withoutVariables } from "./generated-files.ts";
import { Prometheus, prometheusTest } from "./prometheus.ts";
import { Traffic } from "./traffic.ts";

/** How long it may take until every panel shows something. */
const patience = { timeout: 120_000, interval: 1_000 };

describe("on a real Prometheus that scrapes the service under load", () => {
  prometheusTest(
    "every query of the dashboard returns series with the labels of its legend",
    async () => {
      await using redis = await startRedis();
      await using service = await startService({ environment: { REDIS_URL: redisUrl(redis) } });
      await using prometheus = await Prometheus.start(service.port);
      const traffic = new Traffic(service.port);

      const panels = readPanels().filter(({ type }) => type !== "row");
      expect(panels.length).toBeGreaterThan(30);
      for (const { title, targets } of panels) {
        for (const { expr, legendFormat } of targets) {
          const labels = Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label);
          await vi.waitFor(async () => {
            const series = await prometheus.query(withoutVariables(expr, "10s"));
            const shown = series.filter(({ points: [point] }) => Number.isFinite(point?.[1]));
            expect(shown.length, `${title}: ${expr}`).toBeGreaterThan(0);
            for (const { labels: found } of shown) {
              expect(Object.keys(found).sort()).toEqual(labels.toSorted());
            }
          }, patience);
        }
      }

      await vi.waitFor(async () => {
        const health = (await prometheus.rules()).map(({ name, health }) => `${name} is ${health}`);
        expect(health.filter((each) => !each.endsWith(" is ok"))).toEqual([]);
      }, patience);
      await traffic.stop();
    },
  );
});
