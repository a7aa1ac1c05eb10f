import {
  type Column,
  type Ensemble,
  operandsOf,
  type ScoreColumn,
  type Tree,
  treesFor,
} from "../trees/column.ts";
import { type FlatTree, flatten, leafOf, leafWeights } from "./flat-tree.ts";

type Compute = (row: Float32Array, values: Float32Array) => number;

/** The columns that a column is computed from, including by trees. */
export function sourcesOf(column: Column): readonly Column[] {
  return column.kind === "score" ? [...column.ensemble.tested] : operandsOf(column);
}

/** Computes columns row by row, in float32 like the model. */
export class RowColumns {
  readonly #indices = new Map<Column, number>();
  readonly #steps: Compute[] = [];
  readonly #values: Float32Array;
  readonly #trees = new Map<Tree, FlatTree>();

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
    const sources = sourcesOf(column).map((source) => this.#add(source));
    const step = column.kind === "score" ? this.#scoreStep(column) : stepOf(column, sources);
    const index = this.#steps.push(step) - 1;
    this.#indices.set(column, index);
    return index;
  }

  #scoreStep({ ensemble, target }: ScoreColumn): Compute {
    const { start, add } = combinations[ensemble.combination];
    const trees = treesFor(ensemble, target).map(({ tree, offset }) => {
      const flat = this.#flatten(tree);
      return { flat, weights: leafWeights(tree, flat, offset) };
    });
    return (_, values) =>
      trees.reduce(
        (score, { flat, weights }) => add(score, weights[leafOf(flat, values)] ?? 0),
        start,
      );
  }

  #flatten(tree: Tree): FlatTree {
    const known = this.#trees.get(tree);
    if (known !== undefined) return known;
    // These trees compute a column, so they are not explained and all branches have the same
    // player.
    const flat = flatten(tree, (column) => ({ value: this.indexOf(column), player: 0 }));
    this.#trees.set(tree, flat);
    return flat;
  }
}

const combinations: Readonly<
  Record<Ensemble["combination"], { start: number; add: (score: number, weight: number) => number }>
> = {
  sum: { start: 0, add: (score, weight) => Math.fround(score + weight) },
  minimum: { start: Number.POSITIVE_INFINITY, add: Math.min },
  maximum: { start: Number.NEGATIVE_INFINITY, add: Math.max },
};

/** @param operands the indices of the values that a column is computed from */
function stepOf(column: Exclude<Column, ScoreColumn>, operands: readonly number[]): Compute {
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
