import { leaf, type Tree, type TreeNode } from "./column.ts";
import { columnBytes, type StoredColumns, writeRowLoop } from "./stored-columns.ts";
import type { Place, StoredEnsemble } from "./stored-ensemble.ts";
import type { Code, Local, WasmFunction, WasmModule } from "./wasm.ts";

/** While one walk waits for memory, the processor continues with the others. */
const walksAtOnce = 16;

/** The number of steps between two checks whether all walks have reached a leaf. */
const stepsPerLook = 5;

/**
 * The offsets of the fields of a node in memory. `next` is the place of the node of `above`, in
 * bytes from the first node. The node of `atMost` directly follows that of `above`. The threshold
 * of a leaf is NaN and its `next` is itself, so a walk stays there.
 */
const nodeField = { threshold: 0, column: 4, next: 8, weights: 12 } as const;
const nodeBytes = 16;

/** The offsets of the fields of a tree: the place of its root, and the address of its scores. */
const treeField = { root: 0, scores: 4 } as const;
const treeBytes = 8;

/** A walk through a tree with one row. */
interface Walk {
  readonly tree: Place;
  /** The distance of the row from the position in columns, in bytes. */
  readonly row: number;
}

/**
 * Writes code that walks from the root of a tree to a leaf, several walks at the same time. A step
 * computes the place of the next node, so the code has no branch. It is for few rows and large
 * trees.
 */
export class Walks {
  readonly #module: WasmModule;
  readonly #stored: StoredEnsemble;
  readonly #nodes: number;
  readonly #table: number;
  readonly #trees: ReadonlyMap<Tree, number>;

  /** @param columns must contain all columns that the trees test */
  constructor(module: WasmModule, columns: StoredColumns, stored: StoredEnsemble) {
    this.#module = module;
    this.#stored = stored;
    const { trees, targetsPerTree } = stored.ensemble;
    // Empty trees fill the last group. Their weights and scores are zeros that nothing else uses.
    const filler = leaf([]);
    const zeros = module.reserve(targetsPerTree * columnBytes);
    const nodes = new NodeTable(
      [...trees.map(({ root }) => root), filler],
      columns,
      stored.leafBytes,
    );
    const table = trees.flatMap((tree) => [
      nodes.add(tree.root, stored.weightsOf(tree)),
      stored.scoresOf(tree),
    ]);
    const fillerRoot = nodes.add(filler, zeros);
    while (table.length % (walksAtOnce * 2) !== 0) table.push(fillerRoot, zeros);
    this.#nodes = module.place(nodes.bytes);
    this.#table = module.place(new Int32Array(table));
    this.#trees = new Map(trees.map((tree, index) => [tree, this.#table + index * treeBytes]));
  }

  /** Defines a function of the number of rows that adds all trees to the scores, row by row. */
  defineAllTrees(): WasmFunction {
    const groupBytes = walksAtOnce * treeBytes;
    const groups = Math.ceil(this.#stored.ensemble.trees.length / walksAtOnce);
    return this.#module.define(["i32"], [], (code, rows) => {
      const group = code.variable("i32");
      const walks = Array.from({ length: walksAtOnce }, (_, index) => ({
        tree: { address: group, offset: index * treeBytes },
        row: 0,
      }));
      writeRowLoop(code, rows, 1, (position) => {
        code.i32(this.#table).set(group);
        code.loop(() => {
          this.#writeWalks(code, position, walks);
          code.get(group).i32(groupBytes).op("i32.add").tee(group);
          code.i32(this.#table + groups * groupBytes).op("i32.lt_u");
        });
      });
    });
  }

  /**
   * Defines a function of a tree's address and the number of rows that adds the tree to the scores.
   */
  defineOneTree(): WasmFunction {
    return this.#module.define(["i32", "i32"], [], (code, tree, rows) => {
      const walks = Array.from({ length: walksAtOnce }, (_, index) => ({
        tree: { address: tree, offset: 0 },
        row: index * 4,
      }));
      writeRowLoop(code, rows, walksAtOnce, (position) => this.#writeWalks(code, position, walks));
    });
  }

  /** The address of a tree, for {@link defineOneTree}. */
  addressOf(tree: Tree): number {
    const address = this.#trees.get(tree);
    if (address === undefined) throw new Error("the tree is not of this ensemble");
    return address;
  }

  #writeWalks(code: Code, position: Local, walks: readonly Walk[]): void {
    const moved = code.variable("i32");
    const next = code.variable("i32");
    const score = code.variable("i32");
    const weight = code.variable("i32");
    const load = (node: Local, field: keyof typeof nodeField) => {
      const instruction = field === "threshold" ? "f32.load" : "i32.load";
      return code.get(node).memory(instruction, this.#nodes + nodeField[field]);
    };
    const begun = walks.map((walk) => ({ ...walk, node: code.variable("i32") }));
    for (const { tree, node } of begun) {
      code.get(tree.address).memory("i32.load", tree.offset + treeField.root);
      code.set(node);
    }
    code.loop(() => {
      code.i32(0).set(moved);
      for (let step = 1; step <= stepsPerLook; step += 1) {
        for (const { node, row } of begun) {
          load(node, "column").get(position).op("i32.add").memory("f32.load", row);
          load(node, "threshold").op("f32.le").i32(nodeBytes).op("i32.mul");
          load(node, "next").op("i32.add").set(next);
          if (step === stepsPerLook) {
            code.get(next).get(node).op("i32.xor").get(moved).op("i32.or").set(moved);
          }
          code.get(next).set(node);
        }
      }
      code.get(moved);
    });
    for (const { tree, node, row } of begun) {
      code.get(tree.address).memory("i32.load", tree.offset + treeField.scores);
      code.get(position).op("i32.add").set(score);
      load(node, "weights").set(weight);
      this.#stored.writeLeaf(code, { address: score, offset: row }, { address: weight, offset: 0 });
    }
  }
}

/** The nodes of trees, as they are in memory. */
class NodeTable {
  readonly bytes: DataView;
  readonly #columns: StoredColumns;
  readonly #leafBytes: number;
  #end = 0;

  constructor(roots: readonly TreeNode[], columns: StoredColumns, leafBytes: number) {
    const count = roots.reduce((total, { leaves }) => total + 2 * leaves - 1, 0);
    this.bytes = new DataView(new ArrayBuffer(count * nodeBytes));
    this.#columns = columns;
    this.#leafBytes = leafBytes;
  }

  /**
   * Adds a tree.
   *
   * @param weights the address of the weights of its first leaf
   * @returns the place of its root
   */
  add(root: TreeNode, weights: number): number {
    const place = this.#reserve(1);
    this.#write(root, place, weights);
    return place;
  }

  #write(node: TreeNode, place: number, weights: number): void {
    if (node.kind === "leaf") {
      this.#fill(place, NaN, 0, place, weights);
      return;
    }
    const next = this.#reserve(2);
    this.#fill(place, node.threshold, this.#columns.addressOf(node.column), next, weights);
    this.#write(node.above, next, weights + node.atMost.leaves * this.#leafBytes);
    this.#write(node.atMost, next + nodeBytes, weights);
  }

  #fill(place: number, threshold: number, column: number, next: number, weights: number): void {
    this.bytes.setFloat32(place + nodeField.threshold, threshold, true);
    this.bytes.setInt32(place + nodeField.column, column, true);
    this.bytes.setInt32(place + nodeField.next, next, true);
    this.bytes.setInt32(place + nodeField.weights, weights, true);
  }

  #reserve(nodes: number): number {
    const place = this.#end;
    this.#end += nodes * nodeBytes;
    return place;
  }
}
