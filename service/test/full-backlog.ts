import { setTimeout as delay } from "node:timers/promises";
import { vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import type { App } from "../src/app.ts";
import { alwaysAccepted } from "../src/routes/backlog.ts";
import type { Metrics } from "../src/telemetry/metrics.ts";
import { appUnderTest, firstFeatureEngine, post } from "./app-under-test.ts";
import { house } from "./house-model.ts";

/**
 * Creates an app in which another prediction would wait longer than `MAX_WAIT_MS`.
 *
 * @returns the app, and a function that lets the model finish the predictions that wait
 */
export async function appWithFullBacklog(
  metrics?: Metrics,
): Promise<{ readonly app: App; readonly finish: () => Promise<readonly Response[]> }> {
  const inner = firstFeatureEngine();
  let gate = Promise.withResolvers<void>();
  let begun = 0;
  const engine = {
    ...inner,
    async predict(matrix: Float32Array) {
      begun++;
      await gate.promise;
      return inner.predict(matrix);
    },
  };
  const app = appUnderTest({ engine, limits: { maxWaitMs: 1 }, ...(metrics ? { metrics } : {}) });
  async function predictMany() {
    begun = 0;
    const responses = Array.from({ length: alwaysAccepted }, (_, index) =>
      post(app, "/predict", { ...house, MedInc: index + 1 }),
    );
    await vi.waitUntil(() => begun === responses.length, waitOptions);
    return { all: Promise.all(responses) };
  }

  const first = await predictMany();
  // Long enough to measure the rate of predictions.
  await delay(300);
  gate.resolve();
  await first.all;
  gate = Promise.withResolvers();
  const waiting = await predictMany();
  return {
    app,
    finish() {
      gate.resolve();
      return waiting.all;
    },
  };
}
