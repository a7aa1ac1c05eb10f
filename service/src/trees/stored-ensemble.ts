import { type Ensemble, leavesOf, type Tree } from "./column.ts";
import { columnBytes, type StoredColumns, writeRowLoop } from "./stored-columns.ts";
import type { Code, Local, WasmFunction, WasmModule } from "./wasm.ts";

/** An address: a variable plus an offset in bytes. */
export interface Place {
  readonly address: Local;
  readonly offset: number;
}

const startOf = { sum: 0, minimum: Infinity, maximum: -Infinity } as const;

/** The weights of an ensemble and its scores for a block of rows, in the module's memory. */
export class StoredEnsemble {
  readonly ensemble: Ensemble;
  /** The size of the weights of one leaf, in bytes. */
  readonly leafBytes: number;
  readonly #scores: number;
  readonly #weights: number;
  readonly #offsets: ReadonlyMap<Tree, number>;

  constructor(module: WasmModule, columns: StoredColumns, ensemble: Ensemble) {
    this.ensemble = ensemble;
    this.leafBytes = ensemble.targetsPerTree * 4;
    this.#scores = columns.reserveScores(ensemble);
    const leaves = ensemble.trees.reduce((total, { root }) => total + root.leaves, 0);
    const values = new Float32Array(leaves * ensemble.targetsPerTree);
    const offsets = new Map<Tree, number>();
    let end = 0;
    for (const tree of ensemble.trees) {
      offsets.set(tree, end * 4);
      for (const { weights } of leavesOf(tree)) {
        values.set(weights, end);
        end += weights.length;
      }
    }
    this.#weights = module.place(values);
    this.#offsets = offsets;
  }

  /** The address of a tree's weights, in the order of {@link leavesOf}. */
  weightsOf(tree: Tree): number {
    const offset = this.#offsets.get(tree);
    if (offset === undefined) throw new Error("the tree is not of this ensemble");
    return this.#weights + offset;
  }

  /** The address of the column of scores for a tree's first target. */
  scoresOf(tree: Tree): number {
    return this.#scores + tree.firstTarget * columnBytes;
  }

  /** Defines a function of the number of rows that initializes the scores. */
  defineStart(module: WasmModule): WasmFunction {
    const { targets, combination } = this.ensemble;
    return module.define(["i32"], [], (code, rows) => {
      writeRowLoop(code, rows, 4, (position) => {
        for (let target = 0; target < targets; target += 1) {
          code.get(position).f32(startOf[combination]).op("f32x4.splat");
          code.memory("v128.store", this.#scores + target * columnBytes);
        }
      });
    });
  }

  /**
   * Writes code that adds a leaf to a row's scores, or takes the minimum or maximum.
   *
   * @param score the row's score for the tree's first target
   * @param weight the leaf's weight for it
   */
  writeLeaf(code: Code, score: Place, weight: Place): void {
    const { combination, targetsPerTree } = this.ensemble;
    for (let target = 0; target < targetsPerTree; target += 1) {
      const scoreOffset = score.offset + target * columnBytes;
      const loadBoth = () => {
        code.get(weight.address).memory("f32.load", weight.offset + target * 4);
        code.get(score.address).memory("f32.load", scoreOffset);
      };
      code.get(score.address);
      loadBoth();
      if (combination === "sum") {
        code.op("f32.add");
      } else {
        loadBoth();
        code.op(combination === "minimum" ? "f32.lt" : "f32.gt").op("select");
      }
      code.memory("f32.store", scoreOffset);
    }
  }
}
