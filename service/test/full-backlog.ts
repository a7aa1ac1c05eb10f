import { setTimeout as delay } from "node:timers/promises";
import type { App } from "../src/app.ts";
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
  // Long enough to measure the rate of predictions.
  let busy: Promise<unknown> = delay(300);
  const engine = {
    ...inner,
    async predict(matrix: Float32Array) {
      await busy;
      return inner.predict(matrix);
    },
  };
  const app = appUnderTest({ engine, limits: { maxWaitMs: 1 }, ...(metrics ? { metrics } : {}) });
  await post(app, "/predict", house);
  const held = Promise.withResolvers<void>();
  busy = held.promise;
  const waiting = Array.from({ length: 32 }, (_, index) =>
    post(app, "/predict", { ...house, MedInc: index + 1 }),
  );
  await delay(0);
  return {
    app,
    finish() {
      held.resolve();
      return Promise.all(waiting);
    },
  };
}
