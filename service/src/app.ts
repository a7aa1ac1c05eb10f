import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Logger } from "pino";
import type { ReadThrough } from "./cache/read-through.ts";
import type { Predictor } from "./predictor/predictor.ts";
import type { BodyReader } from "./records/body-reader.ts";
import { docsRoutes } from "./routes/docs.ts";
import { healthRoutes } from "./routes/health.ts";
import { hello } from "./routes/hello.ts";
import type { Limits } from "./routes/limits.ts";
import { type ObservedVariables, observe } from "./routes/observe.ts";
import { predictRoutes } from "./routes/predict.ts";
import { answerUnmatched } from "./routes/unmatched.ts";
import type { AccessLog } from "./telemetry/access-log.ts";
import { answerError } from "./wire/error-answer.ts";
import type { NodeEnvironment } from "./wire/sent-request.ts";

/** All that the app needs from outside. */
export interface AppDependencies {
  readonly predictor: Predictor;
  readonly reader: BodyReader;
  readonly cache: ReadThrough;
  readonly logger: Logger;
  readonly accessLog: AccessLog;
  readonly limits: Limits;
  /** True from the first stop signal on. */
  readonly isDraining: () => boolean;
}

interface Environment extends NodeEnvironment {
  Variables: ObservedVariables;
}

/** The app, for a server or the test client. */
export type App = Hono<Environment>;

/** Puts the app together: middleware and routes in order. Opens nothing, reads no environment. */
export function createApp(deps: AppDependencies): App {
  const { logger, accessLog, isDraining } = deps;
  const app = new Hono<Environment>();

  // The prediction routes observe themselves: on their path a middleware costs more than it does.
  app.route("/", predictRoutes(deps));
  app.use(observe(accessLog, isDraining));
  app.route("/", hello);
  app.route("/", healthRoutes(deps));
  app.route("/", docsRoutes(deps));

  app.notFound(answerUnmatched(app.routes));
  app.onError((error, c) => {
    const { status, body, headers } = answerError(error, c.get("requestId"), logger);
    return c.body(body, status as ContentfulStatusCode, {
      "Content-Type": "application/json",
      ...headers,
    });
  });
  return app;
}
