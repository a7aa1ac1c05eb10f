import {
  type Aggregation,
  type LabelsOf,
  type MetricDefinition,
  type MetricName,
  type MetricType,
  metricTable,
  type NameOf,
} from "./metric-table.ts";

type Labels = Readonly<Record<string, string | number>>;

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Present if it is not the name of the metric, as in histograms. */
  readonly metricName?: string;
}

/** A metric with its values: plain data, in the form of prom-client's `getMetricsAsJSON`. */
export interface MetricReport {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly aggregator: Aggregation;
  readonly values: readonly Sample[];
}

/** Creates the report of a metric of the table. */
export function reportOf(name: MetricName, values: readonly Sample[]): MetricReport {
  const { help, type, processes }: MetricDefinition = metricTable[name];
  return { name, help, type, aggregator: processes, values };
}

/** Counts events. */
export class Counter {
  value = 0;

  samples(_name: string, labels: Labels): Sample[] {
    return [{ labels, value: this.value }];
  }
}

/** Counts values by size. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** @param value a finite number */
  observe(value: number): void {
    let bucket = 0;
    while (value > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  samples(name: string, labels: Labels): Sample[] {
    let count = 0;
    const buckets = Array.from(this.#counts, (inBucket, bucket) => {
      count += inBucket;
      const le = this.#bounds[bucket] ?? "+Inf";
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}

/** A value that is read when metrics are reported. */
class Gauge {
  readonly #read: () => number;

  constructor(read: () => number) {
    this.#read = read;
  }

  samples(_name: string, labels: Labels): Sample[] {
    return [{ labels, value: this.#read() }];
  }
}

interface Series {
  readonly name: MetricName;
  /** The labels of each sample. */
  readonly labels: () => readonly Labels[];
  readonly source: Counter | Histogram | Gauge;
}

/**
 * The metrics of this process. They are counted in plain numbers, since prom-client hashes the
 * labels of each event, which costs more than a cache hit may. It only writes the result.
 *
 * Keep what `counter` and `histogram` return: looking it up is slower than counting.
 */
export class Metrics {
  readonly #series = new Map<string, Series>();

  /** Returns the counter of a series. It starts at 0. */
  counter<N extends NameOf<"counter">>(name: N, labels: LabelsOf<N>): Counter {
    const key = keyOf(name, labels);
    const known = this.#series.get(key)?.source;
    if (known instanceof Counter) return known;
    const source = new Counter();
    this.#series.set(key, { name, labels: () => [labels], source });
    return source;
  }

  /** Returns the histogram of a series. It starts empty. */
  histogram<N extends NameOf<"histogram">>(name: N, labels: LabelsOf<N>): Histogram {
    const key = keyOf(name, labels);
    const known = this.#series.get(key)?.source;
    if (known instanceof Histogram) return known;
    const source = new Histogram(metricTable[name].buckets);
    this.#series.set(key, { name, labels: () => [labels], source });
    return source;
  }

  /** Reports what `read` returns as a gauge, or as a counter that something else counts. */
  observe<N extends NameOf<"gauge" | "counter">>(
    name: N,
    labels: LabelsOf<N>,
    read: () => number,
  ): void {
    this.#series.set(keyOf(name, labels), {
      name,
      labels: () => [labels],
      source: new Gauge(read),
    });
  }

  /** Reports a gauge of 1 with labels that may change. */
  info<N extends NameOf<"gauge">>(name: N, labels: () => LabelsOf<N>): void {
    this.infos(name, () => [labels()]);
  }

  /** Reports a gauge of 1 for each item of a list that may change. */
  infos<N extends NameOf<"gauge">>(name: N, labels: () => readonly LabelsOf<N>[]): void {
    this.#series.set(name, { name, labels, source: new Gauge(() => 1) });
  }

  /** Returns a gauge that several parts of the process change. It starts at 0. */
  level<N extends NameOf<"gauge">>(name: N, labels: LabelsOf<N>): Counter {
    const key = keyOf(name, labels);
    const known = this.#series.get(key)?.source;
    if (known instanceof Counter) return known;
    const source = new Counter();
    this.#series.set(key, { name, labels: () => [labels], source });
    return source;
  }

  /** The values of all series, in the order of the table. */
  report(): MetricReport[] {
    const values = new Map<MetricName, Sample[]>();
    for (const { name, labels, source } of this.#series.values()) {
      const samples = values.get(name) ?? [];
      for (const each of labels()) samples.push(...source.samples(name, each));
      values.set(name, samples);
    }
    const names = Object.keys(metricTable).filter((name) => isMetricName(name));
    return names.flatMap((name) => {
      const samples = values.get(name);
      return samples ? [reportOf(name, samples)] : [];
    });
  }
}

function keyOf(name: MetricName, labels: Labels): string {
  return name + JSON.stringify(labels);
}

function isMetricName(name: string): name is MetricName {
  return name in metricTable;
}
