import type { CardFeature, ModelCard } from "../model/card.ts";
import type { Engine, Predictions } from "../model/engine.ts";
import { rangeOf } from "../model/training-range.ts";
import { type MetricReport, reportOf, type Sample } from "./metrics.ts";

/** The maximum number of records counted per request, so that no long list fills the window. */
const maxSampledRecords = 128;

/** Predictions with more numbers have no means, which limits the memory of the window. */
const maxMeans = 32;

/** A share of 0 counts as this, since its logarithm is infinite. */
const minShare = 0.0001;

/**
 * An index is reported once the window has this many records for each bin. Without drift, the index
 * of `n` records in `b` bins is about `(b − 1) / n`, so less than 0.02 is due to chance.
 */
const minRecordsPerBin = 50;

/**
 * The bins of a feature: the first is for values below the training range, the last for values
 * above it. Those between are the card's bins, or one for each category.
 */
interface FeatureBins {
  readonly name: string;
  readonly minimum: number;
  /**
   * The edges between the card's bins, and the maximum. A value equal to an edge belongs to the
   * lower bin. Empty for a category or a boolean, whose values are 0, 1 and so on.
   */
  readonly edges: Float32Array;
  /** The number of bins, including the first and the last. */
  readonly count: number;
  /** Share of the training rows in each bin between the first and the last; absent if unknown. */
  readonly expected: readonly number[] | undefined;
  /** Index of its first bin among those of all features. */
  readonly offset: number;
}

function binsOf(feature: CardFeature, offset: number): FeatureBins {
  const { name } = feature;
  if (feature.type === "category" || feature.type === "boolean") {
    const values = feature.type === "category" ? feature.categories : ["false", "true"];
    const { shares } = feature;
    const expected = shares && values.map((value) => shares[value] ?? 0);
    const edges = new Float32Array();
    return { name, minimum: 0, edges, count: values.length + 2, expected, offset };
  }
  const { minimum, maximum } = rangeOf(feature);
  const { bins } = feature;
  return {
    name,
    minimum,
    edges: Float32Array.of(...(bins?.edges ?? []), maximum),
    count: (bins?.edges.length ?? 0) + 3,
    expected: bins?.shares,
    offset,
  };
}

function binOf({ minimum, edges }: FeatureBins, value: number): number {
  const { length } = edges;
  if (length === 0) return value + 1;
  let bin = value < minimum ? 0 : 1;
  // All edges are compared: with few edges, this is faster than stopping at the right one.
  for (let edge = 0; edge < length; edge++) bin += value > (edges[edge] ?? 0) ? 1 : 0;
  return bin;
}

function allBins({ features }: Pick<ModelCard, "features">): FeatureBins[] {
  let offset = 0;
  return features.map((feature) => {
    const bins = binsOf(feature, offset);
    offset += bins.count;
    return bins;
  });
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/**
 * Returns the population stability index of counts in bins, compared with the expected shares:
 *
 * `PSI = Σ (aᵢ − eᵢ) · ln(aᵢ / eᵢ)`
 *
 * where `aᵢ` is the actual and `eᵢ` the expected share of bin `i`. It is 0 if they are equal. By
 * convention, less than 0.1 is no change, and more than 0.2 or 0.25 is a large one. Shares below
 * 0.0001 count as 0.0001.
 *
 * Sources: N. Siddiqi, "Credit Risk Scorecards" (Wiley, 2006), on the system stability report;
 * B. Yurdakul, "Statistical Properties of Population Stability Index" (Western Michigan University,
 * 2018), on its distribution.
 */
export function stabilityIndex(counts: readonly number[], expected: readonly number[]): number {
  const records = sum(counts);
  return sum(
    counts.map((count, bin) => {
      const actualShare = Math.max(minShare, count / records);
      const expectedShare = Math.max(minShare, expected[bin] ?? 0);
      return (actualShare - expectedShare) * Math.log(actualShare / expectedShare);
    }),
  );
}

/** What a {@link DriftWindow} has counted, as plain data. The counts of several can be added. */
export interface DriftCounts {
  readonly records: number;
  /** Records with any feature outside the training range. */
  readonly outside: number;
  /** Records in each bin of each feature. */
  readonly bins: readonly number[];
  /** Sum of the finite predictions, for each output. */
  readonly sums: readonly number[];
  /** Number of finite predictions, for each output. */
  readonly finite: readonly number[];
}

/** Settings of {@link DriftWindow}. */
export interface DriftOptions {
  /** The number of records in the window. */
  readonly records: number;
  /** Returns a random number in [0, 1). */
  readonly random?: () => number;
}

/**
 * The last records that the model has predicted, to compare them with the training rows. Responses
 * from the cache do not count, so a record that is sent often counts only as often as the model
 * predicts it.
 *
 * A record takes constant time: its bins are stored in a ring, and are counted only when the drift
 * is reported. Of a list with more than 128 records, 128 are counted, at equal distances from a
 * random start.
 */
export class DriftWindow {
  readonly #features: readonly FeatureBins[];
  readonly #size: number;
  readonly #random: () => number;
  readonly #outputs: number;
  readonly #means: number;
  /** The bin of each feature, for each record in the window. */
  readonly #bins: Uint8Array | Uint16Array;
  readonly #predictions: Float64Array;
  /** The number of records that have been counted. */
  #total = 0;

  constructor(
    card: Pick<ModelCard, "features">,
    { outputs }: Pick<Engine, "outputs">,
    { records, random = Math.random }: DriftOptions,
  ) {
    this.#features = allBins(card);
    this.#size = records;
    this.#random = random;
    this.#outputs = outputs;
    this.#means = outputs > maxMeans ? 0 : outputs;
    const maxBins = Math.max(...this.#features.map(({ count }) => count));
    const cells = records * this.#features.length;
    this.#bins = maxBins > 256 ? new Uint16Array(cells) : new Uint8Array(cells);
    this.#predictions = new Float64Array(records * this.#means);
  }

  /** Counts the records of one request. */
  count(matrix: Float32Array, predictions: Predictions): void {
    const rows = matrix.length / this.#features.length;
    if (rows <= maxSampledRecords) {
      for (let row = 0; row < rows; row++) this.#countRow(matrix, predictions, row);
      return;
    }
    const step = rows / maxSampledRecords;
    const start = this.#random() * step;
    for (let sample = 0; sample < maxSampledRecords; sample++) {
      this.#countRow(matrix, predictions, Math.floor(start + sample * step));
    }
  }

  counts(): DriftCounts {
    const records = Math.min(this.#total, this.#size);
    const sums = Array<number>(this.#means).fill(0);
    const finite = Array<number>(this.#means).fill(0);
    for (let at = 0; at < records * this.#means; at++) {
      const prediction = this.#predictions[at] ?? 0;
      if (!Number.isFinite(prediction)) continue;
      const output = at % this.#means;
      sums[output] = (sums[output] ?? 0) + prediction;
      finite[output] = (finite[output] ?? 0) + 1;
    }
    return { records, ...this.#countBins(records), sums, finite };
  }

  #countBins(records: number): Pick<DriftCounts, "outside" | "bins"> {
    const columns = this.#features.length;
    const counts = new Float64Array(sum(this.#features.map(({ count }) => count)));
    const isOutside = new Uint8Array(records);
    for (const [column, { offset, count }] of this.#features.entries()) {
      for (let slot = 0; slot < records; slot++) {
        const bin = this.#bins[slot * columns + column] ?? 0;
        counts[offset + bin] = (counts[offset + bin] ?? 0) + 1;
        if (bin === 0 || bin === count - 1) isOutside[slot] = 1;
      }
    }
    return {
      outside: isOutside.reduce((total, each) => total + each, 0),
      bins: Array.from(counts),
    };
  }

  #countRow(matrix: Float32Array, predictions: Predictions, row: number): void {
    const features = this.#features;
    const bins = this.#bins;
    const slot = this.#total % this.#size;
    let at = slot * features.length;
    let cell = row * features.length;
    for (const feature of features) bins[at++] = binOf(feature, matrix[cell++] ?? 0);
    for (let output = 0; output < this.#means; output++) {
      this.#predictions[slot * this.#means + output] =
        predictions[row * this.#outputs + output] ?? Number.NaN;
    }
    this.#total++;
  }
}

function addAll(lists: readonly (readonly number[])[]): number[] {
  const [first = [], ...others] = lists;
  return first.map((value, index) =>
    others.reduce((total, each) => total + (each[index] ?? 0), value),
  );
}

/** Returns the index of a feature; `undefined` without training shares or enough records. */
function indexOf({ count, expected }: FeatureBins, bins: readonly number[]): number | undefined {
  if (expected === undefined || sum(bins) < minRecordsPerBin * expected.length) return undefined;
  // Values outside the range are in the outermost bins of the training rows.
  const inner = bins.slice(1, -1);
  inner[0] = (inner[0] ?? 0) + (bins[0] ?? 0);
  inner[count - 3] = (inner[count - 3] ?? 0) + (bins[count - 1] ?? 0);
  return stabilityIndex(inner, expected);
}

/** Returns the names of the numbers in a prediction; none if two are equal. */
function outputNames({ name, outputs = [] }: ModelCard["target"]): readonly string[] {
  if (outputs.length === 0) return name === undefined ? [] : [name];
  return new Set(outputs).size === outputs.length ? outputs : [];
}

/** Reports the drift in the windows of one or several processes. */
export function reportDrift(
  { features, target }: Pick<ModelCard, "features" | "target">,
  windows: readonly DriftCounts[],
): MetricReport[] {
  const records = sum(windows.map((each) => each.records));
  const bins = addAll(windows.map((each) => each.bins));
  const sums = addAll(windows.map((each) => each.sums));
  const finite = addAll(windows.map((each) => each.finite));
  const names = outputNames(target);
  const indices: Sample[] = [];
  const outside: Sample[] = [];
  for (const feature of allBins({ features })) {
    const labels = { feature: feature.name };
    const counts = bins.slice(feature.offset, feature.offset + feature.count);
    const index = indexOf(feature, counts);
    if (index !== undefined) indices.push({ labels, value: index });
    const ends = (counts.at(0) ?? 0) + (counts.at(-1) ?? 0);
    if (records > 0) outside.push({ labels, value: ends / records });
  }
  const means = sums.flatMap((total, output) => {
    const count = finite[output] ?? 0;
    const labels = { output: names[output] ?? String(output) };
    return count > 0 ? [{ labels, value: total / count }] : [];
  });
  const anyOutside = sum(windows.map((each) => each.outside));
  const share = records > 0 ? [{ labels: {}, value: anyOutside / records }] : [];
  const reports = [
    reportOf("prediction_drift_records", [{ labels: {}, value: records }]),
    reportOf("prediction_drift_psi", indices),
    reportOf("prediction_drift_outside_range_ratio", share),
    reportOf("prediction_drift_feature_outside_range_ratio", outside),
    reportOf("prediction_drift_mean", means),
  ];
  return reports.filter(({ values }) => values.length > 0);
}
