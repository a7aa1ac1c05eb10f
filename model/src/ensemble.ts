import type { Columns } from "./columns.ts";

/** The end of a path through a tree. */
interface Leaf {
  readonly kind: "leaf";
  /** What the tree adds to the prediction, a float32 value. */
  readonly value: number;
}

/** A test of one feature: is it at most the threshold? */
interface Branch {
  readonly kind: "branch";
  /** Column number in the tree features. */
  readonly feature: number;
  /** A float32 value. */
  readonly threshold: number;
  /** How much the split lowered the penalized training loss. */
  readonly gain: number;
  /** The subtree for values that are at most the threshold. */
  readonly left: TreeNode;
  /** The subtree for greater values and NaN. */
  readonly right: TreeNode;
}

/** A regression tree, represented by its root. */
export type TreeNode = Leaf | Branch;

/** A sum of trees. */
export interface Ensemble {
  /** Added to the sum of the trees, a float32 value. */
  readonly baseScore: number;
  readonly trees: readonly TreeNode[];
}

/** Returns the prediction of one tree for one row. */
export function treeValue(tree: TreeNode, columns: Columns, row: number): number {
  let node = tree;
  while (node.kind === "branch") {
    const value = columns[node.feature]?.[row] ?? Number.NaN;
    node = value <= node.threshold ? node.left : node.right;
  }
  return node.value;
}

/**
 * Predicts each row, in the target's unit. Sums in the same order as ONNX Runtime, in float32: tree
 * by tree, then the base score.
 */
export function predictEnsemble(ensemble: Ensemble, columns: Columns): Float32Array {
  const sums = new Float32Array(columns[0]?.length ?? 0);
  for (const tree of ensemble.trees) {
    for (const [row, sum] of sums.entries()) sums[row] = sum + treeValue(tree, columns, row);
  }
  return sums.map((sum) => sum + ensemble.baseScore);
}

/** Combines ensembles into one whose prediction is the mean of theirs. */
export function averageEnsembles(ensembles: readonly Ensemble[]): Ensemble {
  const share = 1 / ensembles.length;
  return {
    baseScore: Math.fround(ensembles.reduce((sum, { baseScore }) => sum + baseScore * share, 0)),
    trees: ensembles.flatMap(({ trees }) => trees.map((tree) => scaleLeaves(tree, share))),
  };
}

function scaleLeaves(node: TreeNode, factor: number): TreeNode {
  if (node.kind === "leaf") return { kind: "leaf", value: Math.fround(node.value * factor) };
  const [left, right] = [scaleLeaves(node.left, factor), scaleLeaves(node.right, factor)];
  return { ...node, left, right };
}

/** Lists all nodes of a tree: parents before children, left before right. */
export function treeNodes(tree: TreeNode): readonly TreeNode[] {
  return tree.kind === "leaf" ? [tree] : [tree, ...treeNodes(tree.left), ...treeNodes(tree.right)];
}

/** Counts the leaves of all trees. */
export function countLeaves(ensemble: Ensemble): number {
  return ensemble.trees.flatMap(treeNodes).filter(({ kind }) => kind === "leaf").length;
}
