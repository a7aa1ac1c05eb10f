import type { Tree, TreeNode } from "./column.ts";
import type { Ranks } from "./ranks.ts";
import { writeRowLoop } from "./stored-columns.ts";
import type { StoredEnsemble } from "./stored-ensemble.ts";
import type { Code, Local, WasmFunction, WasmModule } from "./wasm.ts";

/** A leaf is known by its number, which is a byte. */
export const MAX_LEAVES = 256;

/** Rows of a vector that has a byte for each. */
const LANES = 16;

/**
 * Trees that are evaluated for 16 rows at once and without a branch of the program, since those of a
 * tree can't be predicted. All conditions of a tree are tested, on ranks. The leaf of a row is found
 * from the bottom up: leaves are numbered so that those of `atMost` come before those of `above`;
 * the number at a branch is that of `above` if the row is above the threshold, else that of
 * `atMost`. Setting the first to 0 where the row isn't above makes it the larger of both numbers.
 */
export class Lanes {
  readonly #module: WasmModule;
  /** Address of 256 vectors; each byte of vector n is n. */
  readonly #constants: number;

  constructor(module: WasmModule) {
    this.#module = module;
    const constants = new Uint8Array(256 * LANES);
    for (let byte = 0; byte < 256; byte += 1) {
      constants.fill(byte, byte * LANES, (byte + 1) * LANES);
    }
    this.#constants = module.place(constants);
  }

  /** Defines a function of the number of rows that makes a tree count in its ensemble's scores. */
  defineTree(tree: Tree, stored: StoredEnsemble, ranks: Ranks): WasmFunction {
    const scores = stored.scoresOf(tree);
    const weights = stored.weightsOf(tree);
    return this.#module.define(["i32"], [], (code, rows) => {
      const row = code.variable("i32");
      const leaves = code.variable("v128");
      const weight = code.variable("i32");
      writeRowLoop(code, rows, LANES, (position) => {
        code.get(position).i32(2).op("i32.shr_u").set(row);
        this.#writeLeaves(code, row, ranks, tree.root, 0);
        code.set(leaves);
        for (let lane = 0; lane < LANES; lane += 1) {
          code.get(leaves).lane("i8x16.extract_lane_u", lane);
          code.i32(stored.leafBytes).op("i32.mul").set(weight);
          stored.writeLeaf(
            code,
            { address: position, offset: scores + lane * 4 },
            { address: weight, offset: weights },
          );
        }
      });
    });
  }

  /** Writes code that leaves the numbers of the rows' leaves below a node on the stack. */
  #writeLeaves(code: Code, row: Local, ranks: Ranks, node: TreeNode, firstLeaf: number): void {
    if (node.kind === "leaf") {
      this.#writeConstant(code, firstLeaf);
      return;
    }
    const { atMost, above } = node;
    // What is computed first has to be kept: beginning with the higher side takes fewer registers.
    const isAboveFirst = above.height > atMost.height;
    if (!isAboveFirst) this.#writeLeaves(code, row, ranks, atMost, firstLeaf);
    this.#writeLeaves(code, row, ranks, above, firstLeaf + atMost.leaves);
    const condition = ranks.conditionOf(node);
    code.get(row).memory("v128.load", condition.ranks);
    this.#writeConstant(code, condition.threshold);
    code.op("i8x16.gt_s").op("v128.and");
    if (isAboveFirst) this.#writeLeaves(code, row, ranks, atMost, firstLeaf);
    code.op("i8x16.max_u");
  }

  /** A vector that has a byte, signed or unsigned, 16 times. */
  #writeConstant(code: Code, byte: number): void {
    code.i32(0).memory("v128.load", this.#constants + (byte & 255) * LANES);
  }
}
