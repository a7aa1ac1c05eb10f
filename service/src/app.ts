import { Hono } from "hono";
import type { ReadThrough } from "./cache/read-through.ts";
import type { LoadedModel } from "./model/loaded-model.ts";
import { docsEndpoints, docsHeaders } from "./routes/docs.ts";
import { createExchange, type ExchangeDependencies } from "./routes/exchange.ts";
import { healthEndpoint } from "./routes/health.ts";
import { helloEndpoint } from "./routes/hello.ts";
import type { Limits } from "./routes/limits.ts";
import { predictEndpoints } from "./routes/predict.ts";
import { answerUnmatched } from "./routes/unmatched.ts";
import type { NodeEnvironment } from "./wire/sent-request.ts";

/** All that the app needs from outside. */
export interface AppDependencies extends ExchangeDependencies {
  readonly model: LoadedModel;
  readonly cache: ReadThrough;
  readonly limits: Limits;
}

/** The app, for a server or the test client. */
export type App = Hono<NodeEnvironment>;

/**
 * Puts the app together: opens nothing, and reads no environment.
 *
 * @param app may have middleware, which then runs in front of every route
 */
export function createApp(deps: AppDependencies, app: App = new Hono()): App {
  const exchange = createExchange(deps);
  const api = [...predictEndpoints(deps), helloEndpoint, healthEndpoint(deps)];
  const endpoints = [...api, ...docsEndpoints(deps, api)];

  app.use("/docs/*", docsHeaders);
  for (const { method, path, handle } of endpoints) {
    app.on(method, path, exchange(path, handle));
  }
  app.notFound(exchange("*", answerUnmatched(endpoints)));
  app.onError((error, c) =>
    exchange("*", () => {
      throw error;
    })(c),
  );
  return app;
}
