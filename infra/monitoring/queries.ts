import type { LabelsOf, MetricName, NameOf } from "../../service/src/telemetry/metric-table.ts";

/** The scrape job of the service, which distinguishes its metrics from those of other programs. */
export const job = "prediction-service";

/** The labels that Prometheus adds to each target. */
export type TargetLabel = "namespace" | "instance";

type LabelName<N extends MetricName> = keyof LabelsOf<N> & string;

/** Which series of a metric are selected, and how they are added up. */
export interface Selection<N extends MetricName> {
  /** Matchers such as `="/predict"` or `=~"5.."`, by label. */
  readonly where?: Partial<Readonly<Record<LabelName<N>, string>>>;
  /** The labels of the result. By default, the result is one series. */
  readonly by?: readonly (LabelName<N> | TargetLabel)[];
}

/** A selection over a time window. */
export interface WindowSelection<N extends MetricName> extends Selection<N> {
  /** The window of a rate, such as `5m`. */
  readonly window: string;
}

/** The start of an aggregation, such as `sum by (route)`. */
function aggregate(operator: string, by: readonly string[] = []): string {
  return by.length === 0 ? operator : `${operator} by (${by.join(", ")})`;
}

/**
 * Writes PromQL queries for the metrics of the service. Metrics and labels that do not exist are type
 * errors.
 */
export class Queries {
  readonly #scope: readonly string[];

  /** @param scope matchers that each query has, such as `namespace=~"$namespace"` */
  constructor(scope: readonly string[] = []) {
    this.#scope = [`job="${job}"`, ...scope];
  }

  /** Selects the targets themselves: 1 if the last scrape succeeded, otherwise 0. */
  up(): string {
    return `up{${this.#scope.join(",")}}`;
  }

  /** @param part the part of a histogram to select */
  series<N extends MetricName>(
    name: N,
    { where = {} }: Selection<N> = {},
    part: "" | "_bucket" | "_sum" | "_count" = "",
  ): string {
    const matchers = Object.entries(where).map(([label, matcher]) => `${label}${matcher}`);
    return `${name}${part}{${[...this.#scope, ...matchers].join(",")}}`;
  }

  /** The events per second of a counter. */
  rate<N extends NameOf<"counter">>(name: N, selection: WindowSelection<N>): string {
    return this.#rate(this.series(name, selection), selection);
  }

  /** The observations per second of a histogram. */
  observations<N extends NameOf<"histogram">>(name: N, selection: WindowSelection<N>): string {
    return this.#rate(this.series(name, selection, "_count"), selection);
  }

  /** The sum of the values that a histogram observed per second. */
  observedSum<N extends NameOf<"histogram">>(name: N, selection: WindowSelection<N>): string {
    return this.#rate(this.series(name, selection, "_sum"), selection);
  }

  /** @param quantile from 0 to 1 */
  quantile<N extends NameOf<"histogram">>(
    quantile: number,
    name: N,
    selection: WindowSelection<N>,
  ): string {
    const by = [...(selection.by ?? []), "le"];
    const buckets = this.#rate(this.series(name, selection, "_bucket"), { ...selection, by });
    return `histogram_quantile(${quantile}, ${buckets})`;
  }

  /** The value of a gauge over several targets. */
  gauge<N extends NameOf<"gauge">>(
    operator: "sum" | "avg" | "min" | "max" | "count",
    name: N,
    selection: Selection<N> = {},
  ): string {
    return `${aggregate(operator, selection.by)} (${this.series(name, selection)})`;
  }

  #rate(series: string, { by, window }: { by?: readonly string[]; window: string }): string {
    return `${aggregate("sum", by)} (rate(${series}[${window}]))`;
  }
}
