import { cachePolicy } from "../cache/cache-control.ts";
import type { CachedResponse } from "../cache/cached-response.ts";
import type { CacheNamespaces, ReadThrough } from "../cache/read-through.ts";
import type { Client, Engine, Predictions } from "../model/engine.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ModelVersion, ServedModel } from "../model/served-model.ts";
import type { BodyShape } from "../records/reader.ts";
import type { Matrix } from "../records/schema.ts";
import type { LoggedPrediction } from "../telemetry/access-log.ts";
import type { DriftWindow } from "../telemetry/drift.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { inference, parsing, traceWork } from "../telemetry/tracing.ts";
import { maxSmallBytes, type SentBody } from "../wire/sent-body.ts";
import type { SentRequest } from "../wire/sent-request.ts";
import { Admission, type Grant } from "./admission.ts";
import { cacheHeaders } from "./cache-headers.ts";
import type { Limits } from "./limits.ts";
import { ServerTiming } from "./server-timing.ts";
import { TurnBatch } from "./turn-batch.ts";

/** The dependencies of {@link Predictor}. */
export interface PredictorDependencies {
  readonly cache: ReadThrough;
  readonly limits: Limits;
  readonly metrics: Metrics;
  /** Returns what measures the drift of a model; undefined if it is not measured. */
  readonly driftOf: (model: LoadedModel) => DriftWindow | undefined;
}

/** How an endpoint receives, reads and answers a request. */
export interface PredictionSteps extends CacheNamespaces {
  /** Whether the body has one record or a list. */
  readonly shape: BodyShape;
  /** What computes the rows that `write` gets. `read` may change it, but not its columns. */
  readonly engine: Pick<Engine, "columns" | "isCheap" | "predict">;
  /** Receives the body. */
  receive(request: SentRequest, grant: Grant): Promise<SentBody>;
  /** Returns what identifies the request if its model is known. */
  digest(sent: SentBody): string;
  /** Reads the body into the model's input. */
  read(sent: SentBody, client: Client): Matrix | Promise<Matrix>;
  /** Returns the predictions in the rows, which count for drift; absent if there are none. */
  readonly predictionsIn?: (rows: Predictions) => Predictions;
  /** Writes the rows as they are cached. */
  write(rows: Predictions): string | Promise<string>;
  /** Turns what is cached into the response. By default, it is the response. */
  readonly respond?: (written: string) => string | Promise<string>;
}

/** A response with predictions. */
export interface PredictionAnswer {
  readonly status: 200;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the log and the metrics say about it. */
  readonly prediction: LoggedPrediction;
}

const readRecords = traceWork(parsing, (steps: PredictionSteps, sent: SentBody, client: Client) =>
  steps.read(sent, client),
);

const predictRows = traceWork(
  inference,
  (steps: PredictionSteps, matrix: Float32Array, client: Client) =>
    steps.engine.predict(matrix, client),
);

/**
 * Answers the requests of all endpoints that predict: admits them, finds responses in the cache or
 * computes them, and measures the phases.
 */
export class Predictor {
  readonly #cache: ReadThrough;
  readonly #admission: Admission;
  readonly #turn = new TurnBatch();
  readonly #driftOf: PredictorDependencies["driftOf"];

  constructor({ cache, limits, metrics, driftOf }: PredictorDependencies) {
    this.#cache = cache;
    this.#admission = new Admission(limits, metrics);
    this.#driftOf = driftOf;
  }

  /**
   * @param served the model. Its current version is not released before the work has ended
   * @throws {Refusal} if the request is invalid or exceeds a limit
   */
  answer(
    request: SentRequest,
    served: ServedModel,
    stepsOf: (model: LoadedModel) => PredictionSteps,
  ): Promise<PredictionAnswer> {
    return this.#admission.admit(request, (grant) =>
      this.#predict(request, grant, served.enter(), stepsOf),
    );
  }

  async #predict(
    request: SentRequest,
    grant: Grant,
    used: ModelVersion,
    stepsOf: (model: LoadedModel) => PredictionSteps,
  ): Promise<PredictionAnswer> {
    try {
      const { model } = used;
      const steps = stepsOf(model);
      const sent = await steps.receive(request, grant);
      grant.beginWork(sent.length);
      const timing = new ServerTiming(performance.now());
      const found = this.#find(model, steps, request, sent, grant, timing);
      const { body, outcome, records, outOfRange } = await found;
      if (body.length > maxSmallBytes) this.#admission.holdUntilSent(request, body.length);
      const headers: Record<string, string> = {
        ...cacheHeaders[outcome],
        "X-Model-Version": model.version,
        "Server-Timing": timing.header(),
      };
      if (outOfRange !== undefined) headers["X-Out-Of-Range"] = outOfRange;
      // Responses from the model or Redis are not batched: many are ready at the same time anyway.
      if (!(found instanceof Promise)) await this.#turn.join();
      const prediction = { model: model.card.name, records, cache: outcome };
      return { status: 200, body, headers, prediction };
    } finally {
      used.leave();
    }
  }

  /** Finds a response in the cache, or computes it. */
  #find(
    model: LoadedModel,
    steps: PredictionSteps,
    request: SentRequest,
    sent: SentBody,
    grant: Grant,
    timing: ServerTiming,
  ): CachedResponse | Promise<CachedResponse> {
    const { engine } = steps;
    const driftOf = this.#driftOf;

    function endRead(): void {
      grant.releaseBytes();
      timing.enter("cache");
    }
    return this.#cache.answer({
      keys: steps,
      shape: steps.shape,
      range: model.range,
      columns: engine.columns,
      isCheap: engine.isCheap,
      policy: cachePolicy(request.header("cache-control")),
      digest: () => steps.digest(sent),
      read() {
        timing.enter("parse");
        const matrix = readRecords(steps, sent, grant);
        if (matrix instanceof Promise) {
          grant.beginWait();
          return matrix.finally(endRead);
        }
        endRead();
        return matrix;
      },
      async compute(matrix) {
        timing.enter("inference");
        grant.beginWait();
        const rows = await predictRows(steps, matrix, grant);
        timing.enter("cache");
        const predictions = steps.predictionsIn?.(rows);
        if (predictions) driftOf(model)?.count(matrix, predictions);
        return steps.write(rows);
      },
      respond: steps.respond,
    });
  }
}
