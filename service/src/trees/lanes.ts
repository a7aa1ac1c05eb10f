import type { Branch, Tree, TreeNode } from "./column.ts";
import type { Ranks } from "./ranks.ts";
import { writeRowLoop } from "./stored-columns.ts";
import type { StoredEnsemble } from "./stored-ensemble.ts";
import type { Code, Local, WasmFunction, WasmModule } from "./wasm.ts";

/** The number of a leaf is a byte. */
export const maxLeaves = 256;

/** A vector has one byte for each of 16 rows. */
const laneCount = 16;

/**
 * Writes code that evaluates trees for 16 rows at a time. The code has no branches, since the
 * processor could not predict them. It tests all conditions of a tree, on ranks, and finds the leaf
 * of each row from the bottom up. The leaves of `atMost` have lower numbers than those of `above`.
 * So the leaf at a branch is the larger one of two numbers: that of `atMost`, and that of `above`,
 * which is set to 0 if the row is not above the threshold.
 */
export class Lanes {
  readonly #module: WasmModule;
  readonly #ranks: Ranks;
  readonly #stored: StoredEnsemble;
  /** The address of 256 vectors. Each byte of vector n is n. */
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

  /** Defines a function of the number of rows that adds a tree to its ensemble's scores. */
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
   * Defines a function that adds the weights of 16 leaves to scores. Its parameters are the numbers
   * of the leaves, the address of the first row's score, and the address of the tree's weights.
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

  /** Writes code that puts the leaf of each row below a node onto the stack. */
  #writeLeaves(code: Code, row: Local, node: TreeNode, firstLeaf: number): void {
    if (node.kind === "leaf") {
      this.#writeConstant(code, firstLeaf);
      return;
    }
    const { atMost, above } = node;
    if (node.leaves === 2) {
      // If the row is above the threshold, subtracting -1 gives the next leaf.
      this.#writeConstant(code, firstLeaf);
      this.#writeIsAbove(code, row, node);
      code.op("i8x16.sub");
      return;
    }
    // The first result has to be kept, so beginning with the higher side needs fewer registers.
    const isAboveFirst = above.height > atMost.height;
    if (!isAboveFirst) this.#writeLeaves(code, row, atMost, firstLeaf);
    this.#writeLeaves(code, row, above, firstLeaf + atMost.leaves);
    this.#writeIsAbove(code, row, node);
    code.op("v128.and");
    if (isAboveFirst) this.#writeLeaves(code, row, atMost, firstLeaf);
    code.op("i8x16.max_u");
  }

  /** Writes code that gives -1, all bits set, if a row is above the threshold, otherwise 0. */
  #writeIsAbove(code: Code, row: Local, branch: Branch): void {
    const { ranks, threshold } = this.#ranks.conditionOf(branch);
    code.get(row).memory("v128.load", ranks);
    this.#writeConstant(code, threshold);
    code.op("i8x16.gt_s");
  }

  /** Writes code that gives a vector of 16 equal bytes. */
  #writeConstant(code: Code, byte: number): void {
    code.i32(0).memory("v128.load", this.#constants + (byte & 255) * laneCount);
  }
}
