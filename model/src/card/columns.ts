import { maxExactInteger } from "../../../service/src/model/card.ts";
import type { TableInput } from "../../../service/src/model/onnx-tensors.ts";
import { describeBins, describeRange } from "../feature-statistics.ts";
import type { CellReader } from "./read-table.ts";

/** A column with more distinct strings is free text, not a category. */
const maxCategories = 10_000;

const decimal = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;
const truthValue = /^\s*(?:true|false)\s*$/i;
const missing = /^\s*(?:|nan|na|n\/a|<na>|null|none)\s*$/i;
const missingFault =
  "the value is missing; the service predicts from complete records only, so fill it in or leave out the row";

/** The name of a feature, and the name of its input if that is different. */
export interface FeatureName {
  readonly name: string;
  readonly input?: string;
}

/** What the card says about a column, and the column's values as the model's input. */
export interface FeatureColumn {
  /** The feature in the card: name, type, distribution and example. */
  readonly feature: FeatureName & Readonly<Record<string, unknown>>;
  /** One number per row. */
  readonly cells: ArrayLike<number>;
}

/** Reads a column that is a feature of the model. */
export type FeatureReader = CellReader & {
  /**
   * Returns the column after all rows are read.
   *
   * @throws {Error} if the column as a whole is invalid
   */
  readonly finish: () => FeatureColumn;
};

/** Creates the reader of the column for an input. */
export function featureReader(name: FeatureName, input: TableInput): FeatureReader {
  return input.type === "string" ? categoryReader(name) : numberReader(name, input);
}

/** Creates a reader of the column that the model predicts, which keeps the cells as strings. */
export function targetReader(): CellReader & { readonly cells: readonly string[] } {
  const cells: string[] = [];
  function add(text: string): void {
    if (text.trim() === "") throw new Error(missingFault);
    cells.push(text);
  }
  return { cells, add };
}

/**
 * Parses a finite decimal number.
 *
 * @throws {Error} if the text is anything else
 */
export function parseNumber(text: string): number {
  if (missing.test(text)) throw new Error(missingFault);
  const number = decimal.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(number)) throw new Error(`${JSON.stringify(text)} is not a finite number`);
  return number;
}

function numberReader(name: FeatureName, input: TableInput): FeatureReader {
  const { type } = input;
  const cells: number[] = [];
  const counts = { truthValues: 0, zeros: 0, ones: 0 };
  const isInteger = type === "int64" || type === "int32";

  function parseCell(text: string): number {
    if (truthValue.test(text)) {
      counts.truthValues++;
      return text.trim().toLowerCase() === "true" ? 1 : 0;
    }
    return parseNumber(text);
  }

  /** Returns why a number is invalid for the input. */
  function faultOf(value: number): string | undefined {
    if (type === "bool" && value !== 0 && value !== 1) return `${value} is neither true nor false`;
    if (isInteger && !Number.isInteger(value)) return `${value} is not an integer`;
    if (isInteger && Math.abs(value) > maxExactInteger) {
      return `${value} is beyond ±2^24 (${maxExactInteger}), and the service uses float32, which cannot represent every larger integer; scale the column, or export the model with a float input`;
    }
    return undefined;
  }

  function add(text: string): void {
    const value = parseCell(text);
    const fault = faultOf(value);
    if (fault !== undefined) {
      throw new Error(`${fault}; the model's input ${input.name} takes ${type}`);
    }
    if (value === 0) counts.zeros++;
    else if (value === 1) counts.ones++;
    cells.push(value);
  }

  function finish(): FeatureColumn {
    const { truthValues, zeros, ones } = counts;
    if (truthValues > 0 && truthValues < cells.length && type !== "bool") {
      throw new Error(
        `column ${name.name}: ${truthValues} of ${cells.length} values are true or false, and the others are numbers`,
      );
    }
    if (truthValues > 0 || type === "bool") {
      const shares = { false: zeros / cells.length, true: ones / cells.length };
      return { feature: { ...name, type: "boolean", shares, example: cells[0] === 1 }, cells };
    }
    const values = Float64Array.from(cells);
    const isFlag = zeros > 0 && ones > 0 && zeros + ones === cells.length;
    return {
      feature: {
        ...name,
        type: isInteger || isFlag ? "integer" : "number",
        ...describeRange(values),
        bins: describeBins(values),
        example: cells[0],
      },
      cells,
    };
  }

  return { add, finish };
}

function categoryReader(name: FeatureName): FeatureReader {
  const codes: number[] = [];
  const counts = new Map<string, { readonly code: number; rows: number }>();

  function add(text: string): void {
    if (text === "") throw new Error(missingFault);
    let known = counts.get(text);
    if (known === undefined) {
      if (counts.size === maxCategories) {
        throw new Error(
          `there are more than ${maxCategories} distinct strings; the service accepts categories, not free text`,
        );
      }
      known = { code: counts.size, rows: 0 };
      counts.set(text, known);
    }
    known.rows++;
    codes.push(known.code);
  }

  function finish(): FeatureColumn {
    const [example = ""] = counts.keys();
    const sorted = [...counts].sort(([one], [other]) => compareTexts(one, other));
    const indices = new Int32Array(sorted.length);
    for (const [index, [, { code }]] of sorted.entries()) indices[code] = index;
    const shares = sorted.map(([text, { rows }]) => [text, rows / codes.length]);
    return {
      feature: {
        ...name,
        type: "category",
        categories: sorted.map(([text]) => text),
        shares: Object.fromEntries(shares),
        example,
      },
      cells: Int32Array.from(codes, (code) => indices[code] ?? 0),
    };
  }

  return { add, finish };
}

/** Compares strings by code points, like Python. */
export function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
