import type { WeightedTree } from "./flat-tree.ts";
import { gaussLegendre } from "./quadrature.ts";

/**
 * Computes the Shapley values of a tree. The game is that of path-dependent TreeSHAP (S. Lundberg
 * et al., "From local explanations to global understanding with explainable AI for trees", Nature
 * Machine Intelligence 2, 2020): the value of a set of players is the weight that the row gets if
 * it follows its own path at the branches of these players, and both paths at all other branches,
 * in proportion to the training rows.
 *
 * For a leaf, that value is a product over the players on its path: a player in the set is a factor
 * of 1 or 0, depending on whether the row takes this path (`on`), and any other player is the share
 * of rows that take it (`share`). Shapley values of a product are an integral (G. Owen,
 * "Multilinear extensions of games", Management Science 18, 1972):
 *
 * `φᵢ = weight · (onᵢ − shareᵢ) · ∫₀¹ Πⱼ≠ᵢ (u · onⱼ + (1 − u) · shareⱼ) du`
 *
 * The integrand is a polynomial, so a sum over a few values of `u` is exact. Sums over all leaves
 * below a node are shared, as in P. Yu et al., "Linear TreeSHAP" (NeurIPS 2022), so that the time
 * is proportional to the number of nodes times the number of players on a path.
 */
export class TreeShapley {
  readonly #tree: WeightedTree;
  readonly #points: Float64Array;
  readonly #pointWeights: Float64Array;
  /** For each node, and for a player before its first branch: `1 / (u + (1 − u) · share)`. */
  readonly #inverses: Float64Array;
  readonly #products: Float64Array;
  readonly #sums: Float64Array;
  /** For each player. */
  readonly #on: Uint8Array;
  #weights: Float64Array = new Float64Array();
  #values: Float32Array = new Float32Array();
  #contributions: Float64Array = new Float64Array();

  /** @param players the number of players of all trees */
  constructor(tree: WeightedTree, players: number) {
    // Exact for a product over all players of a path except one.
    const { points, weights } = gaussLegendre(Math.ceil(tree.maxPlayers / 2));
    const { length } = points;
    this.#tree = tree;
    this.#points = points;
    this.#pointWeights = weights;
    this.#inverses = new Float64Array(tree.playerShares.length * length);
    for (const [node, share] of tree.playerShares.entries()) {
      for (const [q, u] of points.entries()) {
        this.#inverses[node * length + q] = 1 / (u + (1 - u) * share);
      }
    }
    this.#products = new Float64Array(length * (tree.height + 1)).fill(1, 0, length);
    this.#sums = new Float64Array(length * (tree.height + 1));
    this.#on = new Uint8Array(players).fill(1);
  }

  /**
   * Adds the Shapley values of a row.
   *
   * @param weights one for each node; only those of leaves are used
   * @param values the row's values, which branches test
   * @param contributions one for each player; they are added to
   */
  add(weights: Float64Array, values: Float32Array, contributions: Float64Array): void {
    if (this.#tree.height === 0) return;
    this.#weights = weights;
    this.#values = values;
    this.#contributions = contributions;
    this.#visit(0, 0);
  }

  /**
   * Computes the sums over the leaves below a node, one for each point.
   *
   * @param at where the node's products and sums begin
   */
  #visit(node: number, at: number): void {
    const { tested, thresholds, above } = this.#tree;
    const sums = this.#sums;
    const count = this.#points.length;
    const test = tested[node] ?? -1;
    if (test < 0) {
      const weight = this.#weights[node] ?? 0;
      const products = this.#products;
      for (let q = at; q < at + count; q++) sums[q] = weight * (products[q] ?? 0);
      return;
    }
    for (let q = at; q < at + count; q++) sums[q] = 0;
    const isAtMost = (this.#values[test] ?? 0) <= (thresholds[node] ?? 0);
    this.#descend(node, node + 1, isAtMost, at);
    this.#descend(node, above[node] ?? 0, !isAtMost, at);
  }

  #descend(node: number, child: number, isOnPath: boolean, at: number): void {
    const { players, previous, shares, playerShares } = this.#tree;
    const player = players[node] ?? 0;
    const on = this.#on;
    const products = this.#products;
    const sums = this.#sums;
    const points = this.#points;
    const count = points.length;
    const next = at + count;
    if (on[player] === 0) {
      // The player's contribution from the leaves below does not change.
      const share = shares[child] ?? 0;
      if (share === 0) return;
      for (let q = 0; q < count; q++) products[next + q] = (products[at + q] ?? 0) * share;
      this.#visit(child, next);
      for (let q = 0; q < count; q++) sums[at + q] = (sums[at + q] ?? 0) + (sums[next + q] ?? 0);
      return;
    }
    const last = previous[node] ?? 0;
    const lastShare = playerShares[last] ?? 0;
    const share = playerShares[child] ?? 0;
    // The row does not reach this child for any set of players.
    if (!isOnPath && share === 0) return;
    const inverses = this.#inverses;
    for (let q = 0; q < count; q++) {
      const u = points[q] ?? 0;
      const factor = (isOnPath ? u : 0) + (1 - u) * share;
      const lastInverse = inverses[last * count + q] ?? 0;
      products[next + q] = (products[at + q] ?? 0) * factor * lastInverse;
    }
    on[player] = isOnPath ? 1 : 0;
    this.#visit(child, next);
    on[player] = 1;
    const pointWeights = this.#pointWeights;
    let contribution = 0;
    for (let q = 0; q < count; q++) {
      const sum = sums[next + q] ?? 0;
      sums[at + q] = (sums[at + q] ?? 0) + sum;
      const gain = isOnPath
        ? (1 - share) * (inverses[child * count + q] ?? 0)
        : -1 / (1 - (points[q] ?? 0));
      // The previous branches of the player counted the leaves below with the previous share.
      const lastGain = (1 - lastShare) * (inverses[last * count + q] ?? 0);
      contribution += (pointWeights[q] ?? 0) * sum * (gain - lastGain);
    }
    const contributions = this.#contributions;
    contributions[player] = (contributions[player] ?? 0) + contribution;
  }
}
