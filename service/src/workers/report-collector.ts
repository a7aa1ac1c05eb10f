import { z } from "zod";
import type { MetricReport } from "../telemetry/metrics.ts";
import type { CollectReports, ProcessReport } from "../telemetry/process-report.ts";
import { TimeoutError } from "../timeout.ts";
import type { QuestionChannel } from "./question-channel.ts";

/** How long a worker may take to report. */
const workerTimeoutMs = 1_000;

/** How long the first process may take to collect all reports. */
const collectTimeoutMs = 5_000;

const numbers = z.array(z.number());

const Report: z.ZodType<ProcessReport> = z.object({
  metrics: z.array(
    z.object({
      name: z.string(),
      help: z.string(),
      type: z.enum(["counter", "gauge", "histogram"]),
      aggregator: z.enum(["sum", "max", "min", "first"]),
      values: z.array(
        z.object({
          labels: z.record(z.string(), z.union([z.string(), z.number()])),
          value: z.number(),
          metricName: z.string().exactOptional(),
        }),
      ),
    }),
  ),
  drift: z
    .object({
      records: z.number(),
      outside: z.number(),
      bins: numbers,
      sums: numbers,
      finite: numbers,
    })
    .exactOptional(),
});

/** Adds up the counters and histograms of two reports. */
function addCounts(
  one: readonly MetricReport[],
  other: readonly MetricReport[],
): readonly MetricReport[] {
  const sums = new Map<string, MetricReport>();
  for (const report of [...one, ...other]) {
    if (report.type === "gauge") continue;
    const values = new Map(
      sums.get(report.name)?.values.map((sample) => [keyOf(sample), sample] as const),
    );
    for (const sample of report.values) {
      const sum = sample.value + (values.get(keyOf(sample))?.value ?? 0);
      values.set(keyOf(sample), { ...sample, value: sum });
    }
    sums.set(report.name, { ...report, values: Array.from(values.values()) });
  }
  return Array.from(sums.values());
}

function keyOf({ metricName = "", labels }: MetricReport["values"][number]): string {
  return metricName + JSON.stringify(labels);
}

/** Collects the reports of all workers in the first process. */
export class ReportCollector {
  readonly #own: () => ProcessReport;
  /** The latest report of each worker. */
  readonly #workers = new Map<QuestionChannel, ProcessReport | undefined>();
  /** Sums of the workers that have ended. Without them a counter would fall, as after a restart. */
  #ended: readonly MetricReport[] = [];

  /** @param own reports what the first process has counted */
  constructor(own: () => ProcessReport) {
    this.#own = own;
  }

  add(worker: QuestionChannel): void {
    this.#workers.set(worker, undefined);
  }

  /** Removes a worker that has ended. What it counted after its latest report is lost. */
  remove(worker: QuestionChannel): void {
    this.#ended = addCounts(this.#ended, this.#workers.get(worker)?.metrics ?? []);
    this.#workers.delete(worker);
  }

  /** Returns all reports. If a worker does not answer, its latest report is used. */
  async collect(): Promise<readonly ProcessReport[]> {
    await Promise.all(Array.from(this.#workers.keys(), (worker) => this.#ask(worker)));
    const known = Array.from(this.#workers.values()).filter((report) => report !== undefined);
    return [this.#own(), { metrics: this.#ended }, ...known];
  }

  async #ask(worker: QuestionChannel): Promise<void> {
    try {
      const report = Report.parse(await worker.ask(workerTimeoutMs));
      if (this.#workers.has(worker)) this.#workers.set(worker, report);
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }
}

/** Asks the first process for the reports of all processes. */
export function collectFrom(primary: QuestionChannel): CollectReports {
  return async () => z.array(Report).parse(await primary.ask(collectTimeoutMs));
}
