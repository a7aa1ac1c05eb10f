/**
 * A column of a table: one float32 for each row, and how it is computed from the columns of the
 * input. Operators that only move columns, such as `Concat`, leave no trace here.
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

/** A column of the matrix that is predicted from. */
export interface InputColumn {
  readonly kind: "input";
  readonly index: number;
  /** If the column is of strings: the strings that it has the indices of. */
  readonly categories: readonly string[];
}

/** `exp` is that of the GNU C library, to the last bit. */
export type UnaryOperation = "absolute" | "negate" | "exp";

/** `larger` is the right operand if it is larger than the left one, else the left one. */
export type BinaryOperation = "add" | "subtract" | "multiply" | "divide" | "larger";

/** One of two values, as a comparison says. A comparison with NaN is false. */
export interface SelectColumn {
  readonly kind: "select";
  readonly comparison: "equal" | "less";
  readonly left: Column;
  readonly right: Column;
  readonly then: Column;
  readonly otherwise: Column;
}

/** What the trees of an ensemble give for one target, nothing added. */
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
  /** How many targets, one after the other, each tree has weights for. */
  readonly targetsPerTree: number;
  /** The columns that branches test. */
  readonly tested: ReadonlySet<Column>;
}

/** A decision tree. */
export interface Tree {
  readonly root: TreeNode;
  readonly firstTarget: number;
}

/** A node of a tree. All conditions of ONNX come down to `column ≤ threshold`; NaN is above. */
export type TreeNode = Leaf | Branch;

/** Where a path ends. */
export interface Leaf {
  readonly kind: "leaf";
  readonly leaves: 1;
  readonly height: 0;
  /** One for each target of the tree. */
  readonly weights: readonly number[];
}

/** Where a path goes one of two ways. */
export interface Branch {
  readonly kind: "branch";
  /** Number of leaves below. */
  readonly leaves: number;
  /** Number of branches on the longest path down from here. */
  readonly height: number;
  readonly column: Column;
  /** A float32, never NaN. */
  readonly threshold: number;
  readonly atMost: TreeNode;
  readonly above: TreeNode;
}

/** What a column is computed from, in the order in which a computation takes it. */
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

/** The branches of a tree. */
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

/** The leaves of a tree: those of `atMost` come before those of `above`. */
export function leavesOf({ root }: Tree): readonly Leaf[] {
  const leaves: Leaf[] = [];
  const rest: TreeNode[] = [root];
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    if (node.kind === "leaf") leaves.push(node);
    else rest.push(node.above, node.atMost);
  }
  return leaves;
}

/** The end of a path. */
export function leaf(weights: readonly number[]): Leaf {
  return { kind: "leaf", leaves: 1, height: 0, weights };
}

/** A branch between two subtrees. */
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

/** The column with the same value in every row. */
export function constant(value: number): Column {
  return { kind: "constant", value: Math.fround(value) };
}

/** An operation on one column. */
export function unary(operation: UnaryOperation, operand: Column): Column {
  return { kind: "unary", operation, operand };
}

/** An operation on two columns. */
export function binary(operation: BinaryOperation, left: Column, right: Column): Column {
  return { kind: "binary", operation, left, right };
}

/** 1 where the column has the value, else 0. */
export function isEqualTo(column: Column, value: number): Column {
  return whereEqual(column, constant(value), constant(1), constant(0));
}

/** The column, and where it is NaN another one. */
export function replaceNaN(column: Column, replacement: Column): Column {
  return whereEqual(column, column, column, replacement);
}

/** One of two columns, by whether two others are equal. */
export function whereEqual(left: Column, right: Column, then: Column, otherwise: Column): Column {
  return { kind: "select", comparison: "equal", left, right, then, otherwise };
}

/** One of two columns, by whether one is less than another. */
export function whereLess(left: Column, right: Column, then: Column, otherwise: Column): Column {
  return { kind: "select", comparison: "less", left, right, then, otherwise };
}
