import { Hono } from "hono";
import { type ProtocolDependencies, protocolEndpoints } from "./oip/endpoints.ts";
import {
  type PlaygroundDependencies,
  playgroundEndpoints,
  playgroundHeaders,
} from "./playground/endpoints.ts";
import { authorized } from "./routes/authorize.ts";
import { type DocsDependencies, docsEndpoints, docsHeaders } from "./routes/docs.ts";
import { createExchange, type ExchangeDependencies } from "./routes/exchange.ts";
import { explainEndpoints } from "./routes/explain.ts";
import { healthEndpoint } from "./routes/health.ts";
import { helloEndpoint } from "./routes/hello.ts";
import { type MetricsDependencies, metricsEndpoint } from "./routes/metrics.ts";
import { type PredictDependencies, predictEndpoints } from "./routes/predict.ts";
import { Predictor, type PredictorDependencies } from "./routes/prediction.ts";
import { type StatusDependencies, statusEndpoint } from "./routes/status.ts";
import { answerUnmatched } from "./routes/unmatched.ts";
import type { NodeEnvironment } from "./wire/sent-request.ts";

/** The dependencies of the app. */
export interface AppDependencies
  extends ExchangeDependencies,
    DocsDependencies,
    PlaygroundDependencies,
    PredictorDependencies,
    PredictDependencies,
    ProtocolDependencies,
    MetricsDependencies,
    StatusDependencies {}

/** The app, which a server or the test client can call. */
export type App = Hono<NodeEnvironment>;

/**
 * Creates the app. Opens no connections and reads no environment variables.
 *
 * @param app an app to add the routes to. Its middleware runs before every route
 */
export function createApp(deps: AppDependencies, app: App = new Hono()): App {
  const exchange = createExchange(deps);
  const predictor = new Predictor(deps);
  const api = [
    ...predictEndpoints(deps, predictor),
    ...explainEndpoints(deps, predictor),
    ...protocolEndpoints(deps, predictor),
    helloEndpoint,
    healthEndpoint(deps),
    statusEndpoint(deps),
    metricsEndpoint(deps),
  ];
  const endpoints = [...api, ...docsEndpoints(deps, api), ...playgroundEndpoints(deps)];

  app.use("/docs/*", docsHeaders);
  app.use("/playground/*", playgroundHeaders);
  for (const endpoint of endpoints) {
    const { method, path } = endpoint;
    app.on(method, path, exchange(path, authorized(deps.access, endpoint)));
  }
  app.notFound(exchange("*", answerUnmatched(endpoints)));
  app.onError((error, c) =>
    exchange("*", () => {
      throw error;
    })(c),
  );
  return app;
}
