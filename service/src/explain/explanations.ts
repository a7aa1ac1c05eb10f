import type { ExplainedTrees } from "./explained-trees.ts";
import { meanOf, weigh } from "./flat-tree.ts";
import { TreeShapley } from "./shapley.ts";

/** Explains the predictions of a model. */
export class Explanations {
  readonly #trees: ExplainedTrees;
  readonly #games: readonly TreeShapley[];
  readonly #baselines: readonly number[];

  /** @param covers the number of training rows that reach each leaf */
  constructor(trees: ExplainedTrees, covers: Uint32Array) {
    let next = 0;
    const weighted = trees.trees.map((tree) => {
      const first = next;
      next += tree.leaves.length;
      return weigh(tree, covers.subarray(first, next));
    });
    this.#trees = trees;
    this.#games = weighted.map((tree) => new TreeShapley(tree, trees.players.length));
    const means = trees.scores.map((summands) =>
      summands.reduce((sum, { tree, weights }) => {
        const found = weighted[tree];
        return found === undefined ? sum : sum + meanOf(found, weights);
      }, 0),
    );
    this.#baselines = trees.outputs.map(({ base, factors }) =>
      Array.from(factors).reduce(
        (sum, [score, factor]) => sum + factor * (means[score] ?? 0),
        base,
      ),
    );
  }

  /**
   * Explains rows.
   *
   * @param matrix rows × features, row-major
   * @returns for each row, lists with one number per output: the margins, which are NaN if the
   *   explained sum is the prediction itself; the baselines, which are the means of the training
   *   rows; and for each feature its contributions
   */
  explain(matrix: Float32Array): Float64Array<ArrayBuffer> {
    const { features, outputs } = this.#trees;
    const rows = matrix.length / features;
    const size = outputs.length * (2 + features);
    const explained = new Float64Array(rows * size);
    for (let row = 0; row < rows; row++) {
      const cells = matrix.subarray(row * features, (row + 1) * features);
      this.#explainRow(cells, explained.subarray(row * size, (row + 1) * size));
    }
    return explained;
  }

  #explainRow(row: Float32Array, explained: Float64Array): void {
    const { columns, players, scores, outputs } = this.#trees;
    const values = columns.compute(row);
    const contributions = scores.map((summands) => {
      const ofScore = new Float64Array(players.length);
      for (const { tree, weights } of summands) {
        this.#games[tree]?.add(weights, values, ofScore);
      }
      return ofScore;
    });
    const count = outputs.length;
    for (const [output, { factors, isMargin }] of outputs.entries()) {
      const baseline = this.#baselines[output] ?? 0;
      let sum = baseline;
      for (const [player, features] of players.entries()) {
        let contribution = 0;
        for (const [score, factor] of factors) {
          contribution += factor * (contributions[score]?.[player] ?? 0);
        }
        sum += contribution;
        for (const feature of features) {
          const at = (2 + feature) * count + output;
          explained[at] = (explained[at] ?? 0) + contribution / features.length;
        }
      }
      explained[output] = isMargin ? sum : Number.NaN;
      explained[count + output] = baseline;
    }
  }
}
