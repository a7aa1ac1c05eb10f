import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import type { Logger } from "pino";
import type { ReadThrough } from "./cache/read-through.ts";
import type { Predictor } from "./predictor/predictor.ts";
import { docsRoutes } from "./routes/docs.ts";
import { healthRoutes } from "./routes/health.ts";
import { hello } from "./routes/hello.ts";
import { type Limits, limitConcurrency, limitTime } from "./routes/limits.ts";
import { predictRoutes } from "./routes/predict.ts";
import { answerUnmatched } from "./routes/unmatched.ts";
import { accessLog } from "./telemetry/access-log.ts";
import { Refusal } from "./wire/refusal.ts";

/** All that the app needs from outside. */
export interface AppDependencies {
  readonly predictor: Predictor;
  readonly cache: ReadThrough;
  readonly logger: Logger;
  readonly limits: Limits;
  /** True from the first stop signal on. */
  readonly isDraining: () => boolean;
}

/** Puts the app together: middleware and routes in order. Opens nothing, reads no environment. */
export function createApp(deps: AppDependencies): Hono {
  const { logger, limits, isDraining } = deps;
  const app = new Hono();

  app.use(requestId(), accessLog(logger), async function closeWhileDraining(c, next) {
    if (isDraining()) c.header("Connection", "close");
    await next();
  });
  const bounds = [
    limitConcurrency(limits.maxConcurrentRequests),
    limitTime(limits.requestTimeoutMs),
  ] as const;
  app.use("/predict", ...bounds).use("/bulk_predict", ...bounds);
  app.route("/", hello);
  app.route("/", healthRoutes(deps));
  app.route("/", predictRoutes(deps));
  app.route("/", docsRoutes(deps));

  app.notFound(answerUnmatched(app));
  app.onError((error, c) => {
    if (error instanceof Refusal) {
      return c.body(error.body, error.status, {
        "Content-Type": "application/json",
        ...error.headers,
      });
    }
    if (error instanceof HTTPException) return c.json({ detail: error.message }, error.status);
    logger.error({ err: error, requestId: c.get("requestId") }, "request failed");
    return c.json({ detail: "Internal Server Error" }, 500);
  });
  return app;
}
