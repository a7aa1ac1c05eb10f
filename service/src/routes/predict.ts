import { cachePolicy } from "../cache/cache-control.ts";
import { cacheNamespace } from "../cache/keys.ts";
import type { ReadThrough } from "../cache/read-through.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { BodyShape } from "../records/reader.ts";
import type { DriftWindow } from "../telemetry/drift.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { readBody } from "../wire/body.ts";
import { maxSmallBytes } from "../wire/sent-body.ts";
import { type SentRequest, sentRequest } from "../wire/sent-request.ts";
import { Admission, type Grant } from "./admission.ts";
import { cacheHeaders } from "./cache-headers.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Answer } from "./exchange.ts";
import { type Limits, maxRecordBodyBytes } from "./limits.ts";
import { describeBulkPredict, describePredict } from "./predict-openapi.ts";
import { ServerTiming } from "./server-timing.ts";
import { TurnBatch } from "./turn-batch.ts";
import { PredictionWriter } from "./write-predictions.ts";

/** The dependencies of {@link predictEndpoints}. */
export interface PredictDependencies {
  readonly model: LoadedModel;
  readonly cache: ReadThrough;
  readonly limits: Limits;
  readonly metrics: Metrics;
  /** Undefined if drift is not measured. */
  readonly drift: DriftWindow | undefined;
}

/** How the two prediction endpoints differ. */
interface Kind {
  readonly name: string;
  readonly namespace: string;
  readonly shape: BodyShape;
  readonly maxBodyBytes: number;
  /** Wraps the JSON of the predictions into the response body. */
  readonly wrap: (predictions: string) => string;
  readonly describe: NonNullable<Endpoint["describe"]>;
}

/** `POST /predict` predicts one record, `POST /bulk_predict` a list of records. */
export function predictEndpoints(deps: PredictDependencies): readonly Endpoint[] {
  const { model, cache, limits, metrics, drift } = deps;
  const { card, engine, reader, version } = model;
  const admission = new Admission(limits, metrics);
  const turn = new TurnBatch();
  const writer = new PredictionWriter(engine);

  async function predict(kind: Kind, request: SentRequest, grant: Grant): Promise<Answer> {
    const sent = await readBody(request, kind.maxBodyBytes, grant);
    grant.beginWork(sent.length);
    const timing = new ServerTiming(performance.now());

    function endRead(): void {
      grant.releaseBytes();
      timing.enter("cache");
    }
    const found = cache.answer({
      namespace: kind.namespace,
      shape: kind.shape,
      columns: engine.columns,
      policy: cachePolicy(request.header("cache-control")),
      digest: () => sent.digest(),
      read() {
        timing.enter("parse");
        const matrix = reader.read(kind.shape, sent, grant);
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
        const predictions = await engine.predict(matrix, grant);
        timing.enter("cache");
        drift?.count(matrix, predictions);
        const json = writer.write(predictions);
        return kind.wrap(typeof json === "string" ? json : await json);
      },
    });
    const { body, outcome, records } = await found;
    if (body.length > maxSmallBytes) admission.holdUntilSent(request, body.length);
    const headers = {
      "X-Model-Version": version,
      "Server-Timing": timing.header(),
      ...cacheHeaders[outcome],
    };
    // Responses from the model or Redis are not batched: many are ready at the same time anyway.
    if (!(found instanceof Promise)) await turn.join();
    const prediction = { model: card.name, records, cache: outcome };
    return { status: 200, body, headers, prediction };
  }

  const kinds: readonly Kind[] = [
    {
      name: "predict",
      namespace: cacheNamespace(version, "predict"),
      shape: "one",
      maxBodyBytes: maxRecordBodyBytes(limits),
      wrap: (prediction) => `{"prediction":${prediction}}`,
      describe: () => describePredict(model, limits),
    },
    {
      name: "bulk_predict",
      namespace: cacheNamespace(version, "bulk_predict"),
      shape: "many",
      maxBodyBytes: limits.maxBodyBytes,
      wrap: (predictions) => `{"predictions":[${predictions}]}`,
      describe: () => describeBulkPredict(model, limits),
    },
  ];
  return kinds.map((kind) => ({
    method: "POST",
    path: `/${kind.name}`,
    describe: kind.describe,
    handle(c) {
      const request = sentRequest(c);
      return admission.admit(request, (grant) => predict(kind, request, grant));
    },
  }));
}
