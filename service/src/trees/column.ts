/**
 * A column of a table, with one float32 per row, as an expression of the input's columns. Operators
 * that only move columns, such as `Concat`, are not part of the expression.
 */
export type Column =
  | InputColumn
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "unary"; readonly operation: UnaryOperation; readonly operand: Column }
  | {
      readonly kind: "binary";
      readonly operation: BinaryOperation;
      readonly left: Column;
      readonly right: Column;
    }
  | SelectColumn
  | ScoreColumn;

/** A column of the input matrix. */
export interface InputColumn {
  readonly kind: "input";
  readonly index: number;
  /** For a column of strings: the strings whose indices it contains. Otherwise empty. */
  readonly categories: readonly string[];
}

/** `exp` gives the same bits as the GNU C library. */
export type UnaryOperation = "absolute" | "negate" | "exp";

/** `larger` is the right operand if it is larger than the left one, otherwise the left one. */
export type BinaryOperation = "add" | "subtract" | "multiply" | "divide" | "larger";

/** One of two values, depending on a comparison. A comparison with NaN is false. */
export interface SelectColumn {
  readonly kind: "select";
  readonly comparison: "equal" | "less";
  readonly left: Column;
  readonly right: Column;
  readonly then: Column;
  readonly otherwise: Column;
}

/** The combined weights of an ensemble for one target, before anything is added. */
interface ScoreColumn {
  readonly kind: "score";
  readonly ensemble: Ensemble;
  readonly target: number;
}

/**
 * Trees whose weights are combined in their order, in float32. Sums start at 0, minima at +Infinity
 * and maxima at -Infinity.
 */
export interface Ensemble {
  readonly trees: readonly Tree[];
  readonly combination: "sum" | "minimum" | "maximum";
  readonly targets: number;
  /** The number of successive targets for which each tree has weights. */
  readonly targetsPerTree: number;
  /** The columns that branches test. */
  readonly tested: ReadonlySet<Column>;
}

/** A decision tree. */
export interface Tree {
  readonly root: TreeNode;
  readonly firstTarget: number;
}

/** A node of a tree. All conditions of ONNX become `column ≤ threshold`, where NaN is above. */
export type TreeNode = Leaf | Branch;

/** The end of a path. */
export interface Leaf {
  readonly kind: "leaf";
  readonly leaves: 1;
  readonly height: 0;
  /** One weight per target of the tree. */
  readonly weights: readonly number[];
}

/** A fork in a path. */
export interface Branch {
  readonly kind: "branch";
  /** The number of leaves below this branch. */
  readonly leaves: number;
  /** The number of branches on the longest path down from here. */
  readonly height: number;
  readonly column: Column;
  /** A float32, never NaN. */
  readonly threshold: number;
  readonly atMost: TreeNode;
  readonly above: TreeNode;
}

/** Returns the columns from which a column is computed, in the order of the computation. */
export function operandsOf(column: Column): readonly Column[] {
  switch (column.kind) {
    case "unary":
      return [column.operand];
    case "binary":
      return [column.left, column.right];
    case "select":
      return [column.then, column.otherwise, column.left, column.right];
    default:
      return [];
  }
}

/** Returns the branches of a tree. */
export function branchesOf({ root }: Tree): readonly Branch[] {
  const branches: Branch[] = [];
  const add = (node: TreeNode) => {
    if (node.kind === "branch") branches.push(node);
  };
  add(root);
  // The array grows during the iteration.
  for (const { atMost, above } of branches) {
    add(atMost);
    add(above);
  }
  return branches;
}

/** Returns the leaves of a tree. Leaves of `atMost` come before leaves of `above`. */
export function leavesOf({ root }: Tree): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const rest: TreeNode[] = [root];
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    if (node.kind === "leaf") leaves.push(node);
    else rest.push(node.above, node.atMost);
  }
  return leaves;
}

/** Creates a leaf. */
export function leaf(weights: readonly number[]): Leaf {
  return { kind: "leaf", leaves: 1, height: 0, weights };
}

/** Creates a branch with two subtrees. */
export function branch(
  column: Column,
  threshold: number,
  atMost: TreeNode,
  above: TreeNode,
): Branch {
  return {
    kind: "branch",
    leaves: atMost.leaves + above.leaves,
    height: 1 + Math.max(atMost.height, above.height),
    column,
    threshold,
    atMost,
    above,
  };
}

/** Creates a column with the same value in every row. */
export function constant(value: number): Column {
  return { kind: "constant", value: Math.fround(value) };
}

/** Creates an operation on one column. */
export function unary(operation: UnaryOperation, operand: Column): Column {
  return { kind: "unary", operation, operand };
}

/** Creates an operation on two columns. */
export function binary(operation: BinaryOperation, left: Column, right: Column): Column {
  return { kind: "binary", operation, left, right };
}

/** Creates a column of 1 where a column has the value, and 0 elsewhere. */
export function isEqualTo(column: Column, value: number): Column {
  return whereEqual(column, constant(value), constant(1), constant(0));
}

/** Replaces the NaN of a column by another column. */
export function replaceNaN(column: Column, replacement: Column): Column {
  return whereEqual(column, column, column, replacement);
}

/** Creates a column of `then` where `left` and `right` are equal, and `otherwise` elsewhere. */
export function whereEqual(left: Column, right: Column, then: Column, otherwise: Column): Column {
  return { kind: "select", comparison: "equal", left, right, then, otherwise };
}

/** Creates a column of `then` where `left` is less than `right`, and `otherwise` elsewhere. */
export function whereLess(left: Column, right: Column, then: Column, otherwise: Column): Column {
  return { kind: "select", comparison: "less", left, right, then, otherwise };
}
