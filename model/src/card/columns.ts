import { maxExactInteger } from "../../../service/src/model/card.ts";
import type { TableInput } from "../../../service/src/model/onnx-tensors.ts";
import { describeRange } from "../feature-statistics.ts";
import type { CellReader } from "./read-table.ts";

/** A category with more texts is free text. */
const MAX_CATEGORIES = 10_000;

const DECIMAL = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i;
const TRUTH_VALUE = /^\s*(?:true|false)\s*$/i;
const MISSING = /^\s*(?:|nan|na|n\/a|<na>|null|none)\s*$/i;
const MISSING_FAULT =
  "the value is missing; the service predicts from complete records only, so fill it in or leave out the row";

/** What a feature is called: its own name, and that of its input if it is another one. */
export type FeatureName = { readonly name: string; readonly input?: string };

/** What the card says of a column, and the column's values as the model gets them. */
export type FeatureColumn = {
  /** With its name, type, spread and example. */
  readonly feature: FeatureName & Readonly<Record<string, unknown>>;
  /** One number a row. */
  readonly cells: ArrayLike<number>;
};

/** Reads a column of the table that is one of the model's features. */
export type FeatureReader = CellReader & {
  /**
   * Once all rows are read.
   *
   * @throws Error saying what is wrong with the column as a whole
   */
  readonly finish: () => FeatureColumn;
};

/** The reader of the column that an input takes. */
export function featureReader(name: FeatureName, input: TableInput): FeatureReader {
  return input.type === "string" ? categoryReader(name) : numberReader(name, input);
}

/** Reads the column that the model predicts, and keeps its cells. */
export function targetReader(): CellReader & { readonly cells: readonly string[] } {
  const cells: string[] = [];
  function add(text: string): void {
    if (text.trim() === "") {
      throw new Error(MISSING_FAULT);
    }
    cells.push(text);
  }
  return { cells, add };
}

/**
 * A decimal number, finite.
 *
 * @throws Error saying what the text is instead
 */
export function parseNumber(text: string): number {
  if (MISSING.test(text)) {
    throw new Error(MISSING_FAULT);
  }
  const number = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(number)) {
    throw new Error(`${JSON.stringify(text)} is not a finite number`);
  }
  return number;
}

function numberReader(name: FeatureName, input: TableInput): FeatureReader {
  const { type } = input;
  const cells: number[] = [];
  const counts = { truthValues: 0, zeros: 0, ones: 0 };
  const isInteger = type === "int64" || type === "int32";

  function parseCell(text: string): number {
    if (TRUTH_VALUE.test(text)) {
      counts.truthValues += 1;
      return text.trim().toLowerCase() === "true" ? 1 : 0;
    }
    return parseNumber(text);
  }

  /** Why the input cannot take a number. */
  function faultOf(value: number): string | undefined {
    if (type === "bool" && value !== 0 && value !== 1) {
      return `${value} is neither true nor false`;
    }
    if (isInteger && !Number.isInteger(value)) {
      return `${value} is not an integer`;
    }
    if (isInteger && Math.abs(value) > maxExactInteger) {
      return `${value} is beyond ±2^24 (${maxExactInteger}), and the service holds numbers as float32, which does not represent every integer beyond; scale the column, or export the model with a float input`;
    }
    return undefined;
  }

  function add(text: string): void {
    const value = parseCell(text);
    const fault = faultOf(value);
    if (fault !== undefined) {
      throw new Error(`${fault}; the model's input ${input.name} takes ${type}`);
    }
    if (value === 0) {
      counts.zeros += 1;
    } else if (value === 1) {
      counts.ones += 1;
    }
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
    const isFlag = zeros > 0 && ones > 0 && zeros + ones === cells.length;
    return {
      feature: {
        ...name,
        type: isInteger || isFlag ? "integer" : "number",
        ...describeRange(Float64Array.from(cells)),
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
    if (text === "") {
      throw new Error(MISSING_FAULT);
    }
    let known = counts.get(text);
    if (known === undefined) {
      if (counts.size === MAX_CATEGORIES) {
        throw new Error(
          `there are more than ${MAX_CATEGORIES} different texts; the service takes categories, not free text`,
        );
      }
      known = { code: counts.size, rows: 0 };
      counts.set(text, known);
    }
    known.rows += 1;
    codes.push(known.code);
  }

  function finish(): FeatureColumn {
    const [example = ""] = counts.keys();
    const sorted = [...counts].sort(([one], [other]) => compareTexts(one, other));
    const indices = new Int32Array(sorted.length);
    for (const [index, [, { code }]] of sorted.entries()) {
      indices[code] = index;
    }
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

/** By code points, as Python sorts. */
export function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
