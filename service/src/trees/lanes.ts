import type { Branch, Tree, TreeNode } from "./column.ts";
import type { Ranks } from "./ranks.ts";
import { writeRowLoop } from "./stored-columns.ts";
import type { StoredEnsemble } from "./stored-ensemble.ts";
import type { Code, Local, WasmFunction, WasmModule } from "./wasm.ts";

/** A leaf is known by its number, which is a byte. */
export const maxLeaves = 256;

/** Rows of a vector that has a byte for each. */
const laneCount = 16;

/**
 * Trees that are evaluated for 16 rows at once and without a branch of the program, since those of a
 * tree can't be predicted. All conditions of a tree are tested, on ranks. The leaf of a row is found
 * from the bottom up: leaves are numbered so that those of `atMost` come before those of `above`;
 * the number at a branch is that of `above` if the row is above the threshold, else that of
 * `atMost`. Setting the first to 0 where the row isn't above makes it the larger of both numbers.
 */
export class Lanes {
  readonly #module: WasmModule;
  readonly #ranks: Ranks;
  readonly #stored: StoredEnsemble;
  /** Address of 256 vectors; each byte of vector n is n. */
  readonly #constants: number;
  readonly #score: WasmFunction;

  constructor(module: WasmModule, ranks: Ranks, stored: StoredEnsemble) {
    this.#module = module;
    this.#ranks = ranks;
    this.#stored = stored;
    const constants = new Uint8Array(256 * laneCount);
    for (let byte = 0; byte < 256; byte += 1) {
      constants.fill(byte, byte * laneCount, (byte + 1) * laneCount);
    }
    this.#constants = module.place(constants);
    this.#score = this.#defineScore();
  }

  /** Defines a function of the number of rows that makes a tree count in its ensemble's scores. */
  defineTree(tree: Tree): WasmFunction {
    const scores = this.#stored.scoresOf(tree);
    const weights = this.#stored.weightsOf(tree);
    return this.#module.define(["i32"], [], (code, rows) => {
      const row = code.variable("i32");
      writeRowLoop(code, rows, laneCount, (position) => {
        code.get(position).i32(2).op("i32.shr_u").set(row);
        this.#writeLeaves(code, row, tree.root, 0);
        code.get(position).i32(scores).op("i32.add").i32(weights).call(this.#score);
      });
    });
  }

  /**
   * Defines a function of 16 leaf numbers and the addresses of the first row's score and of a tree's
   * weights.
   */
  #defineScore(): WasmFunction {
    return this.#module.define(["v128", "i32", "i32"], [], (code, leaves, score, weights) => {
      const weight = code.variable("i32");
      for (let lane = 0; lane < laneCount; lane += 1) {
        code.get(leaves).lane("i8x16.extract_lane_u", lane);
        code.i32(this.#stored.leafBytes).op("i32.mul").get(weights).op("i32.add").set(weight);
        const place = { address: score, offset: lane * 4 };
        this.#stored.writeLeaf(code, place, { address: weight, offset: 0 });
      }
    });
  }

  /** Writes code that leaves the numbers of the rows' leaves below a node on the stack. */
  #writeLeaves(code: Code, row: Local, node: TreeNode, firstLeaf: number): void {
    if (node.kind === "leaf") {
      this.#writeConstant(code, firstLeaf);
      return;
    }
    const { atMost, above } = node;
    if (node.leaves === 2) {
      // Of two neighbours the number is one more, which is -1 less, where the row is above.
      this.#writeConstant(code, firstLeaf);
      this.#writeIsAbove(code, row, node);
      code.op("i8x16.sub");
      return;
    }
    // What is computed first has to be kept: beginning with the higher side takes fewer registers.
    const isAboveFirst = above.height > atMost.height;
    if (!isAboveFirst) this.#writeLeaves(code, row, atMost, firstLeaf);
    this.#writeLeaves(code, row, above, firstLeaf + atMost.leaves);
    this.#writeIsAbove(code, row, node);
    code.op("v128.and");
    if (isAboveFirst) this.#writeLeaves(code, row, atMost, firstLeaf);
    code.op("i8x16.max_u");
  }

  /** Leaves -1, all bits set, where a row is above the threshold, else 0. */
  #writeIsAbove(code: Code, row: Local, branch: Branch): void {
    const { ranks, threshold } = this.#ranks.conditionOf(branch);
    code.get(row).memory("v128.load", ranks);
    this.#writeConstant(code, threshold);
    code.op("i8x16.gt_s");
  }

  /** A vector that has a byte, signed or unsigned, 16 times. */
  #writeConstant(code: Code, byte: number): void {
    code.i32(0).memory("v128.load", this.#constants + (byte & 255) * laneCount);
  }
}
