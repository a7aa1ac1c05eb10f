import { computeMetrics } from "../metrics.ts";
import { compareTexts, parseNumber } from "./columns.ts";

/** A probability of 0 for what happened would cost infinitely much. */
const MIN_PROBABILITY = 1e-15;
/** Of a sum of probabilities in float32. */
const SUM_TOLERANCE = 1e-3;

/** How well a model predicts the rows of a table. */
export type Measurement = {
  /** By name; empty if nothing can be measured. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What the numbers of a prediction are, in order. */
  readonly outputs?: readonly string[];
  /** What a person should check. */
  readonly notes: readonly string[];
};

/** A model's predictions for rows of which the truth is known. */
export type Predicted = {
  /** The name of the column that the model predicts. */
  readonly target: string;
  /** That column's cells. */
  readonly truth: readonly string[];
  /** Rows × outputs, row-major. */
  readonly predictions: Float64Array;
  readonly outputs: number;
  /** Whether the model's output is of integers, so that a prediction is a class's label. */
  readonly isLabel: boolean;
};

/**
 * Compares predictions with the truth: R², RMSE and MAE of a number; accuracy and log loss of
 * classes' probabilities; accuracy of a class's label.
 *
 * @throws Error when the model predicts a number and the truth is none
 */
export function measure(predicted: Predicted): Measurement {
  const { predictions, outputs, isLabel } = predicted;
  const undefinedCount = predictions.filter((prediction) => !Number.isFinite(prediction)).length;
  if (undefinedCount > 0) {
    const notes = [
      `${undefinedCount} of ${predictions.length} predicted numbers are infinite or not a number, so nothing is measured. The service answers null for such a number.`,
    ];
    return { metrics: {}, notes };
  }
  if (outputs > 1) {
    return measureClasses(predicted);
  }
  return isLabel ? measureLabels(predicted) : measureNumbers(predicted);
}

function measureNumbers({ target, truth, predictions }: Predicted): Measurement {
  const targets = Float64Array.from(truth, (cell) => {
    try {
      return parseNumber(cell);
    } catch (error) {
      throw new Error(
        `column ${target} cannot be what the model predicts, a number: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  });
  const { r2, ...errors } = computeMetrics(targets, predictions);
  return Number.isFinite(r2)
    ? { metrics: { r2, ...errors }, notes: [] }
    : { metrics: errors, notes: [`Column ${target} has one value only, so there is no R².`] };
}

function measureLabels({ target, truth, predictions }: Predicted): Measurement {
  const hits = truth.filter((cell, row) => Number(cell) === predictions[row]).length;
  return {
    metrics: { accuracy: hits / truth.length },
    notes: [`The model predicts integers, taken to be the labels of classes in column ${target}.`],
  };
}

function measureClasses({ target, truth, predictions, outputs }: Predicted): Measurement {
  const classes = classesOf(truth, outputs);
  if (classes === undefined) {
    const count = new Set(truth).size;
    return {
      metrics: {},
      notes: [
        `The model predicts ${outputs} numbers for each record, and column ${target} has ${count} different values, so nothing is measured. Name the numbers in the card, as target.outputs.`,
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
    loss -= Math.log(Math.max(numbers[index] ?? 0, MIN_PROBABILITY));
    areProbabilities &&=
      Math.abs(sum - 1) < SUM_TOLERANCE && numbers.every((number) => number >= 0);
  }
  const accuracy = hits / truth.length;
  const order = `The numbers of a prediction are taken to be the classes of column ${target} in ascending order, as scikit-learn has them: ${classes.join(", ")}.`;
  return areProbabilities
    ? { metrics: { accuracy, logLoss: loss / truth.length }, outputs: classes, notes: [order] }
    : {
        metrics: { accuracy },
        outputs: classes,
        notes: [order, "The numbers are no probabilities, so there is no log loss."],
      };
}

/** `1`, `1.0` and `01` are the same label. */
function labelOf(cell: string): string {
  const number = Number(cell);
  return cell.trim() !== "" && Number.isFinite(number) ? String(number) : cell;
}

/**
 * The classes in the order of scikit-learn's `classes_`; nothing if the column does not have as many.
 * Labels that count from 0 need not all occur.
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
