import { computeMetrics } from "../metrics.ts";
import { compareTexts, parseNumber } from "./columns.ts";

/** Smaller probabilities count as this one, since a probability of 0 has an infinite log loss. */
const minProbability = 1e-15;
/** The allowed deviation from 1 of a sum of probabilities in float32. */
const sumTolerance = 1e-3;

/** How well a model predicts the rows of a table. */
export interface Measurement {
  /** Metrics by name; empty if nothing can be measured. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The names of the numbers of a prediction, in order. */
  readonly outputs?: readonly string[];
  /** Assumptions that the user should check. */
  readonly notes: readonly string[];
}

/** Predictions for rows whose true values are known. */
export interface Predicted {
  /** The name of the column that the model predicts. */
  readonly target: string;
  /** The cells of that column. */
  readonly truth: readonly string[];
  /** Rows × outputs, row-major. */
  readonly predictions: Float64Array;
  readonly outputs: number;
  /** Whether the model's output is an integer, so that a prediction is a class label. */
  readonly isLabel: boolean;
}

/**
 * Compares predictions with true values: R², RMSE and MAE for numbers, accuracy and log loss for
 * class probabilities, accuracy for class labels.
 *
 * @throws {Error} if the model predicts numbers and a true value is not a number
 */
export function measure(predicted: Predicted): Measurement {
  const { predictions, outputs, isLabel } = predicted;
  const undefinedCount = predictions.filter((prediction) => !Number.isFinite(prediction)).length;
  if (undefinedCount > 0) {
    const notes = [
      `${undefinedCount} of ${predictions.length} predicted numbers are infinite or not a number, so nothing is measured. The service returns null for these numbers.`,
    ];
    return { metrics: {}, notes };
  }
  if (outputs > 1) return measureClasses(predicted);
  return isLabel ? measureLabels(predicted) : measureNumbers(predicted);
}

function measureNumbers({ target, truth, predictions }: Predicted): Measurement {
  const targets = Float64Array.from(truth, (cell) => {
    try {
      return parseNumber(cell);
    } catch (error) {
      throw new Error(
        `the model predicts numbers, but column ${target} has something else: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  });
  const { r2, ...errors } = computeMetrics(targets, predictions);
  return Number.isFinite(r2)
    ? { metrics: { r2, ...errors }, notes: [] }
    : { metrics: errors, notes: [`Column ${target} has only one value, so there is no R².`] };
}

function measureLabels({ target, truth, predictions }: Predicted): Measurement {
  const hits = truth.filter((cell, row) => Number(cell) === predictions[row]).length;
  return {
    metrics: { accuracy: hits / truth.length },
    notes: [
      `The model predicts integers. They are assumed to be the class labels in column ${target}.`,
    ],
  };
}

function measureClasses({ target, truth, predictions, outputs }: Predicted): Measurement {
  const classes = classesOf(truth, outputs);
  if (classes === undefined) {
    const count = new Set(truth).size;
    return {
      metrics: {},
      notes: [
        `The model predicts ${outputs} numbers for each record, but column ${target} has ${count} different values, so nothing is measured. Name the numbers in the card, as target.outputs.`,
      ],
    };
  }
  const indices = new Map(classes.map((name, index) => [name, index]));
  let hits = 0;
  let loss = 0;
  let areProbabilities = true;
  for (const [row, cell] of truth.entries()) {
    const numbers = predictions.subarray(row * outputs, (row + 1) * outputs);
    const index = indices.get(labelOf(cell)) ?? -1;
    const sum = numbers.reduce((total, number) => total + number, 0);
    hits += numbers.indexOf(Math.max(...numbers)) === index ? 1 : 0;
    loss -= Math.log(Math.max(numbers[index] ?? 0, minProbability));
    areProbabilities &&= Math.abs(sum - 1) < sumTolerance && numbers.every((number) => number >= 0);
  }
  const accuracy = hits / truth.length;
  const order = `The numbers of a prediction are assumed to be the classes of column ${target} in ascending order, as in scikit-learn: ${classes.join(", ")}.`;
  return areProbabilities
    ? { metrics: { accuracy, logLoss: loss / truth.length }, outputs: classes, notes: [order] }
    : {
        metrics: { accuracy },
        outputs: classes,
        notes: [order, "The numbers are not probabilities, so there is no log loss."],
      };
}

/** Normalizes a label, so that `1`, `1.0` and `01` are the same. */
function labelOf(cell: string): string {
  const number = Number(cell);
  return cell.trim() !== "" && Number.isFinite(number) ? String(number) : cell;
}

/**
 * Returns the classes in the order of scikit-learn's `classes_`; `undefined` if their number is
 * wrong. If labels are integers from 0, some of them may be missing.
 */
function classesOf(truth: readonly string[], count: number): readonly string[] | undefined {
  const labels = [...new Set(truth.map(labelOf))];
  const areNumbers = labels.every((label) => Number.isFinite(Number(label)));
  if (labels.length === count) {
    return areNumbers
      ? labels.sort((one, other) => Number(one) - Number(other))
      : labels.sort(compareTexts);
  }
  const indices = Array.from({ length: count }, (_, index) => String(index));
  return labels.every((label) => indices.includes(label)) ? indices : undefined;
}
