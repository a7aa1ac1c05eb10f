import { accepts } from "hono/accepts";
import type { ModelRepository } from "../model/model-repository.ts";
import type { ServedModel } from "../model/served-model.ts";
import { reportDrift } from "../telemetry/drift.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { CollectReports } from "../telemetry/process-report.ts";
import type { Endpoint } from "./endpoint.ts";
import { headerRef, methodNotAllowed } from "./openapi-parts.ts";

/** The dependencies of {@link metricsEndpoint}. */
export interface MetricsDependencies {
  readonly models: ModelRepository;
  readonly defaultModel: ServedModel;
  readonly metrics: Metrics;
  readonly collectReports: CollectReports;
}

const mediaTypes = { text: "text/plain", openmetrics: "application/openmetrics-text" } as const;

/** `GET /metrics` returns the metrics for Prometheus, in OpenMetrics if requested. */
export function metricsEndpoint(deps: MetricsDependencies): Endpoint {
  const { models, defaultModel, metrics, collectReports } = deps;
  metrics.infos("prediction_model_info", () =>
    models
      .loaded()
      .map(({ card, version, engine }) => ({ model: card.name, version, engine: engine.name })),
  );
  return {
    method: "GET",
    path: "/metrics",
    group: "metrics",
    async handle(c) {
      const mediaType = accepts(c, {
        header: "Accept",
        supports: [mediaTypes.text, mediaTypes.openmetrics],
        default: mediaTypes.text,
      });
      const format = mediaType === mediaTypes.openmetrics ? "openmetrics" : "text";
      const reports = await collectReports();
      const { current } = defaultModel;
      const windows = reports.flatMap(({ drift }) => drift ?? []);
      // Loaded when it is first needed, so that it does not delay the start.
      const { contentTypes, writeMetrics } = await import("../telemetry/exposition.ts");
      const body = await writeMetrics(
        [
          ...reports.map((report) => report.metrics),
          current && windows.length > 0 ? reportDrift(current.card, windows) : [],
        ],
        format,
      );
      return { status: 200, body, headers: { "Content-Type": contentTypes[format] } };
    },
    describe: () => ({
      schemas: {},
      operation: {
        operationId: "metrics_metrics_get",
        summary: "Return the metrics for Prometheus",
        tags: ["service"],
        responses: {
          200: {
            description: "The metrics, in OpenMetrics if `Accept` prefers it",
            headers: { "X-Request-Id": headerRef("X-Request-Id") },
            content: Object.fromEntries(
              Object.values(mediaTypes).map((type) => [type, { schema: { type: "string" } }]),
            ),
          },
          405: methodNotAllowed,
        },
      },
    }),
  };
}
