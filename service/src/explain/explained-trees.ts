import { type Column, type Ensemble, treesFor } from "../trees/column.ts";
import type { TreeModel } from "../trees/tree-model.ts";
import { Unsupported } from "../trees/unsupported.ts";
import { type FlatTree, flatten, leafOf, leafWeights } from "./flat-tree.ts";
import { RowColumns, sourcesOf } from "./row-columns.ts";
import { treeSumOf } from "./tree-sums.ts";

/** A tree, and the weights of its leaves for one target. */
interface Summand {
  readonly tree: number;
  /** One for each node. */
  readonly weights: Float64Array;
}

/** A number of a prediction: a constant, and scores multiplied by factors. */
interface ExplainedOutput {
  readonly base: number;
  /** The factors by the index of the score. */
  readonly factors: ReadonlyMap<number, number>;
  /** Whether the model turns this sum into a probability. */
  readonly isMargin: boolean;
}

/** The trees of a model, prepared for explanations. */
export interface ExplainedTrees {
  /** The number of columns of the matrix. */
  readonly features: number;
  readonly outputs: readonly ExplainedOutput[];
  /** The scores, each a sum of trees. */
  readonly scores: readonly (readonly Summand[])[];
  /** Computes the columns that branches test. */
  readonly columns: RowColumns;
  /**
   * The players of the game that `TreeShapley` describes: each consists of the features that a
   * tested column is computed from. Columns of the same features are one player.
   */
  readonly players: readonly (readonly number[])[];
  readonly trees: readonly FlatTree[];
  /** The number of leaves of all trees. */
  readonly leaves: number;
}

/**
 * Prepares the trees of a model.
 *
 * @throws {Unsupported} if its prediction is not a sum of trees
 */
export function explainedTrees({ inputs, columns: output }: TreeModel): ExplainedTrees {
  const sums = output.map(treeSumOf);
  const ensembles = [...new Set(sums.flatMap(({ terms }) => terms.map((term) => term.ensemble)))];
  const tested = new Set(ensembles.flatMap((ensemble) => [...ensemble.tested]));
  const columns = new RowColumns(tested);
  const { players, playerOf } = findPlayers(tested);
  const testOf = (column: Column) => ({ value: columns.indexOf(column), player: playerOf(column) });
  const trees: FlatTree[] = [];
  const firstTrees = new Map<Ensemble, number>();
  for (const ensemble of ensembles) {
    firstTrees.set(ensemble, trees.length);
    trees.push(...ensemble.trees.map((tree) => flatten(tree, testOf)));
  }

  /** Lists the trees that have weights for a target. */
  function summandsOf(ensemble: Ensemble, target: number): readonly Summand[] {
    const first = firstTrees.get(ensemble) ?? 0;
    return treesFor(ensemble, target).flatMap(({ tree, index, offset }) => {
      const flat = trees[first + index];
      return flat ? [{ tree: first + index, weights: leafWeights(tree, flat, offset) }] : [];
    });
  }

  const scores: (readonly Summand[])[] = [];
  const indices = new Map<string, number>();
  function scoreOf(ensemble: Ensemble, target: number): number {
    const key = `${firstTrees.get(ensemble)} ${target}`;
    const index = indices.get(key) ?? scores.push(summandsOf(ensemble, target)) - 1;
    indices.set(key, index);
    return index;
  }

  return {
    features: inputs.reduce((total, input) => total + input.columns, 0),
    outputs: sums.map(({ base, terms, isMargin }) => {
      const factors = new Map<number, number>();
      for (const { ensemble, target, factor } of terms) {
        const score = scoreOf(ensemble, target);
        factors.set(score, (factors.get(score) ?? 0) + factor);
      }
      return { base, factors, isMargin };
    }),
    scores,
    columns,
    players,
    trees,
    leaves: trees.reduce((total, { leaves }) => total + leaves.length, 0),
  };
}

/** @throws {Unsupported} if a column is the same in all rows */
function findPlayers(tested: Iterable<Column>) {
  const features = new Map<Column, ReadonlySet<number>>();
  const featuresOf = (column: Column): ReadonlySet<number> => {
    const known = features.get(column);
    if (known !== undefined) return known;
    const own = column.kind === "input" ? [column.index] : [];
    const all = new Set([...own, ...sourcesOf(column).flatMap((each) => [...featuresOf(each)])]);
    features.set(column, all);
    return all;
  };
  const players: (readonly number[])[] = [];
  const indices = new Map<string, number>();
  const ofColumn = new Map<Column, number>();
  for (const column of tested) {
    const player = [...featuresOf(column)].sort((one, other) => one - other);
    if (player.length === 0) throw new Unsupported("its trees test a constant");
    const key = player.join();
    const index = indices.get(key) ?? players.push(player) - 1;
    indices.set(key, index);
    ofColumn.set(column, index);
  }
  return { players, playerOf: (column: Column) => ofColumn.get(column) ?? 0 };
}

/**
 * Counts the rows that reach each leaf.
 *
 * @param matrix rows × features, row-major
 * @returns one number for each leaf, tree by tree, in the order of `leavesOf`
 */
export function countCovers(
  { trees, leaves, columns, features }: ExplainedTrees,
  matrix: Float32Array,
): Uint32Array {
  const nodes = trees.map(({ tested }) => new Uint32Array(tested.length));
  for (let at = 0; at < matrix.length; at += features) {
    const values = columns.compute(matrix.subarray(at, at + features));
    for (const [index, tree] of trees.entries()) {
      const counts = nodes[index];
      const leaf = leafOf(tree, values);
      if (counts) counts[leaf] = (counts[leaf] ?? 0) + 1;
    }
  }
  const covers = new Uint32Array(leaves);
  let next = 0;
  for (const [index, tree] of trees.entries()) {
    for (const leaf of tree.leaves) covers[next++] = nodes[index]?.[leaf] ?? 0;
  }
  return covers;
}
