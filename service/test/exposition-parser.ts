/** A metric as it is written in Prometheus' text format or in OpenMetrics. */
export interface ParsedMetric {
  readonly name: string;
  readonly type: string;
  /** The samples by name and labels, such as `http_requests_total{method="GET"}`. */
  readonly samples: ReadonlyMap<string, number>;
}

const label = /[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"/;
const sample = new RegExp(
  `^([a-zA-Z_:][\\w:]*(?:\\{${label.source}(?:,${label.source})*\\})?) (-?\\d\\S*|NaN|[+-]Inf)$`,
);

/**
 * Parses metrics strictly.
 *
 * @throws {Error} with the first line that is not valid: each metric has one `HELP`, one `TYPE`,
 *   and then its samples, each only once
 */
export function parseExposition(text: string): ParsedMetric[] {
  const metrics: { name: string; type: string; samples: Map<string, number> }[] = [];
  if (!text.endsWith("\n")) throw new Error("no line feed at the end");
  let help = "";
  for (const line of text.split("\n")) {
    if (line === "" || line === "# EOF") continue;
    const [, helped] = /^# HELP (\w+) \S/.exec(line) ?? [];
    const [, typed, type = ""] = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line) ?? [];
    const metric = metrics.at(-1);
    if (helped !== undefined) {
      if (metrics.some(({ name }) => name === helped)) throw new Error(`repeated: ${line}`);
      help = helped;
    } else if (typed !== undefined) {
      if (typed !== help) throw new Error(`no HELP before ${line}`);
      metrics.push({ name: typed, type, samples: new Map() });
    } else {
      const [, series = "", value] = sample.exec(line) ?? [];
      if (metric === undefined || value === undefined) throw new Error(`not valid: ${line}`);
      if (!series.startsWith(metric.name)) throw new Error(`not of ${metric.name}: ${line}`);
      if (metric.samples.has(series)) throw new Error(`repeated: ${line}`);
      metric.samples.set(series, Number(value));
    }
  }
  return metrics;
}

/** Returns the value of a series; `undefined` if it is absent. */
export function valueIn(text: string, series: string): number | undefined {
  const values = parseExposition(text).flatMap(({ samples }) => samples.get(series) ?? []);
  return values[0];
}
