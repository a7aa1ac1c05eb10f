import type { Columns } from "./columns.ts";

/** The end of a path: what its houses get added, a float32 value. */
type Leaf = { readonly kind: "leaf"; readonly value: number };

/** A question to a house: is the feature at most the threshold? */
type Branch = {
  readonly kind: "branch";
  /** Column of the tree features. */
  readonly feature: number;
  /** A float32 value. */
  readonly threshold: number;
  /** By how much the split lowered the penalized training loss. */
  readonly gain: number;
  /** Where to go if so. */
  readonly left: TreeNode;
  /** Where to go if not: also where the feature is not a number. */
  readonly right: TreeNode;
};

/** A regression tree, by its root. */
export type TreeNode = Leaf | Branch;

/** A sum of trees. */
export type Ensemble = {
  /** Added to the trees' sum, a float32 value. */
  readonly baseScore: number;
  readonly trees: readonly TreeNode[];
};

/** The value that a tree gives to one row. */
export function treeValue(tree: TreeNode, columns: Columns, row: number): number {
  let node = tree;
  while (node.kind === "branch") {
    const value = columns[node.feature]?.[row] ?? Number.NaN;
    node = value <= node.threshold ? node.left : node.right;
  }
  return node.value;
}

/**
 * Predictions in the target's unit, one a row, summed as ONNX Runtime sums them: in float32, tree
 * after tree, then the base score.
 */
export function predictEnsemble(ensemble: Ensemble, columns: Columns): Float32Array {
  const sums = new Float32Array(columns[0]?.length ?? 0);
  for (const tree of ensemble.trees) {
    for (const [row, sum] of sums.entries()) {
      sums[row] = sum + treeValue(tree, columns, row);
    }
  }
  return sums.map((sum) => sum + ensemble.baseScore);
}

/** All nodes of a tree, parents before their children, left before right. */
export function treeNodes(tree: TreeNode): readonly TreeNode[] {
  return tree.kind === "leaf" ? [tree] : [tree, ...treeNodes(tree.left), ...treeNodes(tree.right)];
}

/** Number of leaves of all trees. */
export function countLeaves(ensemble: Ensemble): number {
  return ensemble.trees.flatMap(treeNodes).filter(({ kind }) => kind === "leaf").length;
}
