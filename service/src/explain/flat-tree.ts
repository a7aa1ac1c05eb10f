import { type Column, leavesOf, type Tree, type TreeNode } from "../trees/column.ts";

/**
 * The nodes of a tree as arrays, a parent before its children. The first child, for values that are
 * at most the threshold, comes right after its parent.
 */
export interface FlatTree {
  /** The index of the value that a branch compares with its threshold; -1 for a leaf. */
  readonly tested: Int32Array;
  readonly thresholds: Float32Array;
  /** The player whose column a branch tests. */
  readonly players: Int32Array;
  /**
   * The node after the previous branch of the same player on the path, or the number of nodes if
   * there is no such branch.
   */
  readonly previous: Int32Array;
  /** The second child of a branch. */
  readonly above: Int32Array;
  /** The nodes that are leaves, in the order of `leavesOf`. */
  readonly leaves: Int32Array;
  readonly height: number;
  /** The largest number of different players on a path. */
  readonly maxPlayers: number;
}

/** A tree with the shares of its nodes. */
export interface WeightedTree extends FlatTree {
  /** The share of each node among the training rows of its parent. */
  readonly shares: Float64Array;
  /**
   * The product of the shares of a node and of the nodes on its path that follow a branch of the
   * same player. An additional 1 at the end is for players without a branch on a path.
   */
  readonly playerShares: Float64Array;
}

/**
 * Turns a tree into arrays.
 *
 * @param testOf returns the index of a column's value, and its player
 */
export function flatten(
  { root }: Tree,
  testOf: (column: Column) => { readonly value: number; readonly player: number },
): FlatTree {
  const count = 2 * root.leaves - 1;
  const tested = new Int32Array(count).fill(-1);
  const thresholds = new Float32Array(count);
  const players = new Int32Array(count);
  const previous = new Int32Array(count);
  const above = new Int32Array(count);
  const leaves = new Int32Array(root.leaves);
  let nodes = 0;
  let foundLeaves = 0;
  let maxPlayers = 0;

  function add(node: TreeNode, latest: ReadonlyMap<number, number>): void {
    const at = nodes++;
    if (node.kind === "leaf") {
      leaves[foundLeaves++] = at;
      maxPlayers = Math.max(maxPlayers, latest.size);
      return;
    }
    const { value, player } = testOf(node.column);
    tested[at] = value;
    thresholds[at] = node.threshold;
    players[at] = player;
    previous[at] = latest.get(player) ?? count;
    add(node.atMost, new Map(latest).set(player, nodes));
    above[at] = nodes;
    add(node.above, new Map(latest).set(player, nodes));
  }

  add(root, new Map());
  const { height } = root;
  return { tested, thresholds, players, previous, above, leaves, height, maxPlayers };
}

/**
 * Returns the weights of a tree's leaves, by node; 0 for branches.
 *
 * @param offset the number of the weight in each leaf
 */
export function leafWeights(
  tree: Tree,
  { tested, leaves }: FlatTree,
  offset: number,
): Float64Array {
  const weights = new Float64Array(tested.length);
  for (const [leaf, { weights: all }] of leavesOf(tree).entries()) {
    weights[leaves[leaf] ?? 0] = all[offset] ?? 0;
  }
  return weights;
}

/** Returns the leaf that a row reaches. */
export function leafOf({ tested, thresholds, above }: FlatTree, values: Float32Array): number {
  let node = 0;
  for (let test = tested[0] ?? -1; test >= 0; test = tested[node] ?? -1) {
    node = (values[test] ?? 0) <= (thresholds[node] ?? 0) ? node + 1 : (above[node] ?? 0);
  }
  return node;
}

/**
 * Adds the shares of nodes to a tree.
 *
 * @param covers the number of rows that reach each leaf. If no row reaches a branch, both children
 *   have the same share
 */
export function weigh(tree: FlatTree, covers: Uint32Array): WeightedTree {
  const { tested, previous, above, leaves } = tree;
  const count = tested.length;
  const rows = new Float64Array(count);
  for (const [index, leaf] of leaves.entries()) rows[leaf] = covers[index] ?? 0;
  for (let node = count - 1; node >= 0; node--) {
    if (isBranch(node)) rows[node] = (rows[node + 1] ?? 0) + (rows[above[node] ?? 0] ?? 0);
  }
  const shares = new Float64Array(count).fill(1);
  const playerShares = new Float64Array(count + 1).fill(1);
  for (let node = 0; node < count; node++) {
    if (!isBranch(node)) continue;
    const all = rows[node] ?? 0;
    for (const child of [node + 1, above[node] ?? 0]) {
      const share = all > 0 ? (rows[child] ?? 0) / all : 0.5;
      shares[child] = share;
      playerShares[child] = share * (playerShares[previous[node] ?? 0] ?? 0);
    }
  }
  return { ...tree, shares, playerShares };

  function isBranch(node: number): boolean {
    return (tested[node] ?? -1) >= 0;
  }
}

/** Returns the mean of a tree's weights, each weighted by the share of rows that reach its leaf. */
export function meanOf({ tested, above, shares }: WeightedTree, weights: Float64Array): number {
  const means = weights.slice();
  for (let node = tested.length - 1; node >= 0; node--) {
    if ((tested[node] ?? -1) < 0) continue;
    const [first, second] = [node + 1, above[node] ?? 0];
    means[node] =
      (shares[first] ?? 0) * (means[first] ?? 0) + (shares[second] ?? 0) * (means[second] ?? 0);
  }
  return means[0] ?? 0;
}
