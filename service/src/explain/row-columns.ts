import { type Column, operandsOf } from "../trees/column.ts";
import { Unsupported } from "../trees/unsupported.ts";

type Compute = (row: Float32Array, values: Float32Array) => number;

/** Computes columns of one row after the other, in float32 as the model does. */
export class RowColumns {
  readonly #indices = new Map<Column, number>();
  readonly #steps: Compute[] = [];
  readonly #values: Float32Array;

  /** @throws {Unsupported} if a column is the result of trees */
  constructor(columns: Iterable<Column>) {
    for (const column of columns) this.#add(column);
    this.#values = new Float32Array(this.#steps.length);
  }

  /** Returns the index of a column in the values. */
  indexOf(column: Column): number {
    const index = this.#indices.get(column);
    if (index === undefined) throw new Error("the column is not computed");
    return index;
  }

  /**
   * Computes the columns of a row.
   *
   * @returns their values, which the next call overwrites
   */
  compute(row: Float32Array): Float32Array {
    const values = this.#values;
    for (const [index, step] of this.#steps.entries()) values[index] = step(row, values);
    return values;
  }

  #add(column: Column): number {
    const known = this.#indices.get(column);
    if (known !== undefined) return known;
    const step = stepOf(
      column,
      operandsOf(column).map((operand) => this.#add(operand)),
    );
    const index = this.#steps.push(step) - 1;
    this.#indices.set(column, index);
    return index;
  }
}

/** @param operands the indices of the values that a column is computed from */
function stepOf(column: Column, operands: readonly number[]): Compute {
  const [first = 0, second = 0, third = 0, fourth = 0] = operands;
  switch (column.kind) {
    case "input":
      return (row) => row[column.index] ?? 0;
    case "constant":
      return () => column.value;
    case "unary": {
      const operate = unaryOperations[column.operation];
      return (_, values) => operate(values[first] ?? 0);
    }
    case "binary": {
      const operate = binaryOperations[column.operation];
      return (_, values) => operate(values[first] ?? 0, values[second] ?? 0);
    }
    case "select": {
      const holds = comparisons[column.comparison];
      return (_, values) =>
        values[holds(values[third] ?? 0, values[fourth] ?? 0) ? first : second] ?? 0;
    }
    case "score":
      throw new Unsupported("its trees test the result of other trees");
  }
}

const unaryOperations = { absolute: Math.abs, negate: (value: number) => -value, exp: Math.exp };

const binaryOperations = {
  add: (left: number, right: number) => left + right,
  subtract: (left: number, right: number) => left - right,
  multiply: (left: number, right: number) => left * right,
  divide: (left: number, right: number) => left / right,
  // biome-ignore lint/complexity/useMathMinMax: it is the left operand if one of them is NaN.
  larger: (left: number, right: number) => (right > left ? right : left),
};

const comparisons = {
  equal: (left: number, right: number) => left === right,
  less: (left: number, right: number) => left < right,
};
