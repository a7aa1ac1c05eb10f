/**
 * A column of a table: how its float32 number in each row is computed from the columns of the
 * input. Operators that only move columns, such as `Concat`, need no computation.
 */
export type Column =
  | InputColumn
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "unary"; readonly operation: UnaryOperation; readonly operand: Column }
  | BinaryColumn
  | SelectColumn
  | ScoreColumn;

/** A column of the matrix. */
export interface InputColumn {
  readonly kind: "input";
  readonly index: number;
  /** The strings, if the column contains their indices. */
  readonly categories: readonly string[];
}

/** An operation on two columns. */
export interface BinaryColumn {
  readonly kind: "binary";
  readonly operation: BinaryOperation;
  readonly left: Column;
  readonly right: Column;
  /** If this is the probability of a class: the score that it is computed from. */
  readonly margin?: Column | undefined;
}

/** `exp` has the same bits as in the GNU C library. */
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
  /** If this is the probability of a class: the score that it is computed from. */
  readonly margin?: Column | undefined;
}

/** The result of an ensemble for one target, without a base value. */
export interface ScoreColumn {
  readonly kind: "score";
  readonly ensemble: Ensemble;
  readonly target: number;
}

/**
 * Trees whose weights are combined in float32, in the order of the trees. Sums start at 0, minima
 * at Infinity and maxima at -Infinity.
 */
export interface Ensemble {
  readonly trees: readonly Tree[];
  readonly combination: "sum" | "minimum" | "maximum";
  readonly targets: number;
  /** The number of consecutive targets for which each tree has weights. */
  readonly targetsPerTree: number;
  /** The columns that branches test. */
  readonly tested: ReadonlySet<Column>;
}

/** A decision tree. */
export interface Tree {
  readonly root: TreeNode;
  readonly firstTarget: number;
}

/** A node of a tree. All conditions of ONNX are expressed as `column ≤ threshold`. */
export type TreeNode = Leaf | Branch;

/** The end of a path from the root. */
export interface Leaf {
  readonly kind: "leaf";
  readonly leaves: 1;
  readonly height: 0;
  /** One for each target of the tree. */
  readonly weights: readonly number[];
}

/** A condition: `column ≤ threshold`. NaN is above every threshold. */
export interface Branch {
  readonly kind: "branch";
  /** The number of leaves below it. */
  readonly leaves: number;
  /** The number of branches on the longest path down, including itself. */
  readonly height: number;
  readonly column: Column;
  /** A float32, never NaN. */
  readonly threshold: number;
  readonly atMost: TreeNode;
  readonly above: TreeNode;
}

/** The columns that a column is computed from, in the order in which the code needs them. */
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

/** Lists the branches of a tree. */
export function branchesOf({ root }: Tree): readonly Branch[] {
  const branches: Branch[] = [];
  const add = (node: TreeNode) => {
    if (node.kind === "branch") branches.push(node);
  };
  add(root);
  // The array grows while it is iterated over.
  for (const { atMost, above } of branches) {
    add(atMost);
    add(above);
  }
  return branches;
}

/** Lists the leaves of a tree: those of `atMost` before those of `above`. */
export function leavesOf({ root }: Tree): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const rest: TreeNode[] = [root];
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    if (node.kind === "leaf") leaves.push(node);
    else rest.push(node.above, node.atMost);
  }
  return leaves;
}

/**
 * Lists the trees that have weights for a target.
 *
 * @returns for each tree its index, and the index of the weight in its leaves
 */
export function treesFor({ trees, targetsPerTree }: Ensemble, target: number) {
  return trees.flatMap((tree, index) => {
    const offset = target - tree.firstTarget;
    return offset >= 0 && offset < targetsPerTree ? [{ tree, index, offset }] : [];
  });
}

/** Creates a leaf. */
export function leaf(weights: readonly number[]): Leaf {
  return { kind: "leaf", leaves: 1, height: 0, weights };
}

/** Creates a branch. */
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

/** A column with the same value in every row. */
export function constant(value: number): Column {
  return { kind: "constant", value: Math.fround(value) };
}

/** An operation on one column. */
export function unary(operation: UnaryOperation, operand: Column): Column {
  return { kind: "unary", operation, operand };
}

/** An operation on two columns. */
export function binary(operation: BinaryOperation, left: Column, right: Column): BinaryColumn {
  return { kind: "binary", operation, left, right };
}

/** 1 in rows where the column has the value, otherwise 0. */
export function isEqualTo(column: Column, value: number): Column {
  return whereEqual(column, constant(value), constant(1), constant(0));
}

/** The column, or another one in rows where it is NaN. */
export function replaceNaN(column: Column, replacement: Column): Column {
  return whereEqual(column, column, column, replacement);
}

/** `then` in rows where `left` and `right` are equal, otherwise `otherwise`. */
export function whereEqual(left: Column, right: Column, then: Column, otherwise: Column): Column {
  return { kind: "select", comparison: "equal", left, right, then, otherwise };
}

/** `then` in rows where `left` is less than `right`, otherwise `otherwise`. */
export function whereLess(
  left: Column,
  right: Column,
  then: Column,
  otherwise: Column,
): SelectColumn {
  return { kind: "select", comparison: "less", left, right, then, otherwise };
}
