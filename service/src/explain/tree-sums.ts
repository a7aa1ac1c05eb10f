import type { BinaryColumn, Column, Ensemble, ScoreColumn } from "../trees/column.ts";
import { Unsupported } from "../trees/unsupported.ts";

/** A number that trees predict, multiplied by a factor. */
interface Term {
  readonly ensemble: Ensemble;
  readonly target: number;
  readonly factor: number;
}

/** A number that is the sum of a constant and of trees. */
export interface TreeSum {
  readonly base: number;
  readonly terms: readonly Term[];
  /** Whether the model turns this sum into a probability. */
  readonly isMargin: boolean;
}

/**
 * Finds the sum of trees that is an output of the model, or that its probability is computed from.
 *
 * @throws {Unsupported} if there is no such sum
 */
export function treeSumOf(output: Column): TreeSum {
  const margin = "margin" in output ? output.margin : undefined;
  const terms: Term[] = [];
  let base = 0;

  function add(column: Column, factor: number): void {
    if (column.kind === "constant") base += factor * column.value;
    else if (column.kind === "score") terms.push({ ...scoreOf(column), factor });
    else if (column.kind === "unary" && column.operation === "negate") add(column.operand, -factor);
    else if (column.kind === "binary") addBinary(column, factor);
    else throw new Unsupported("its prediction is not a sum of trees");
  }

  function addBinary({ operation, left, right }: BinaryColumn, factor: number) {
    if (operation === "add" || operation === "subtract") {
      add(left, factor);
      add(right, operation === "add" ? factor : -factor);
    } else if (operation === "multiply" && left.kind === "constant") {
      add(right, factor * left.value);
    } else if (operation === "multiply" && right.kind === "constant") {
      add(left, factor * right.value);
    } else if (operation === "divide" && right.kind === "constant") {
      add(left, factor / right.value);
    } else {
      throw new Unsupported("its prediction is not a sum of trees");
    }
  }

  add(margin ?? output, 1);
  if (terms.length === 0) throw new Unsupported("its prediction is not computed by trees");
  return { base, terms, isMargin: margin !== undefined };
}

function scoreOf({ ensemble, target }: ScoreColumn): Omit<Term, "factor"> {
  if (ensemble.combination !== "sum") {
    throw new Unsupported(`its prediction is the ${ensemble.combination} of trees`);
  }
  return { ensemble, target };
}
