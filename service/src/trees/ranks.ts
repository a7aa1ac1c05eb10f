import type { Branch, Column } from "./column.ts";
import { blockRows, type StoredColumns } from "./stored-columns.ts";
import type { Code, Local, WasmFunction, WasmModule } from "./wasm.ts";

/**
 * The condition of a branch in bytes: a row is above the threshold if its rank is above this one.
 */
export interface RankCondition {
  /** The address of the ranks: a signed byte for each row of the block. */
  readonly ranks: number;
  /** A signed byte. */
  readonly threshold: number;
}

/** A value can be above 0 to 255 thresholds. These 256 ranks fit into a byte. */
const thresholdsPerRank = 255;

/** Ranks are signed, since signed bytes are compared faster. */
const lowestRank = -128;

/** A table of thresholds of a column, and the ranks of a block of rows. */
interface Ranking {
  readonly column: Column;
  /** The address of the table, see {@link rankTable}. */
  readonly table: number;
  readonly ranks: number;
}

/**
 * Writes code that computes ranks. The rank of a value is the number of its column's thresholds
 * that it is above. A rank is a byte, so a vector contains the ranks of 16 rows. A column with more
 * than 255 thresholds has several ranks.
 */
export class Ranks {
  readonly #module: WasmModule;
  readonly #columns: StoredColumns;
  readonly #rankings: Ranking[] = [];
  readonly #conditions = new Map<Column, ReadonlyMap<number, RankCondition>>();

  constructor(module: WasmModule, columns: StoredColumns, branches: Iterable<Branch>) {
    this.#module = module;
    this.#columns = columns;
    const thresholds = new Map<Column, Set<number>>();
    for (const { column, threshold } of branches) {
      const ofColumn = thresholds.get(column) ?? new Set();
      thresholds.set(column, ofColumn.add(threshold));
    }
    for (const [column, values] of thresholds) {
      this.#conditions.set(column, this.#rank(column, Float32Array.from(values).sort()));
    }
  }

  /** @throws {Error} if the branch was not passed to the constructor */
  conditionOf({ column, threshold }: Branch): RankCondition {
    const condition = this.#conditions.get(column)?.get(threshold);
    if (condition === undefined) throw new Error(`${threshold} has no rank`);
    return condition;
  }

  /** Defines a function of the number of rows that computes the ranks. */
  defineComputation(): WasmFunction {
    const rank = defineRanking(this.#module);
    return this.#module.define(["i32"], [], (code, rows) => {
      for (const { column, table, ranks } of this.#rankings) {
        code.i32(this.#columns.addressOf(column)).i32(table).i32(ranks);
        code.i32(ranks).get(rows).op("i32.add").call(rank);
      }
    });
  }

  #rank(column: Column, sorted: Float32Array): ReadonlyMap<number, RankCondition> {
    const conditions = new Map<number, RankCondition>();
    for (let start = 0; start < sorted.length; start += thresholdsPerRank) {
      const thresholds = sorted.subarray(start, start + thresholdsPerRank);
      const ranks = this.#module.reserve(blockRows);
      this.#rankings.push({ column, table: this.#module.place(rankTable(thresholds)), ranks });
      for (const [index, value] of thresholds.entries()) {
        conditions.set(value, { ranks, threshold: lowestRank + index });
      }
    }
    return conditions;
  }
}

const groupSize = 16;
const groupBytes = groupSize * 4;

/** The last threshold of each group of 16, then all thresholds. Infinity fills the gaps. */
function rankTable(thresholds: Float32Array): Float32Array {
  const all = new Float32Array(groupSize * groupSize).fill(Infinity);
  all.set(thresholds);
  const lastOfGroups = all.filter((_, index) => index % groupSize === groupSize - 1);
  return Float32Array.of(...lastOfGroups, ...all);
}

/**
 * Defines a function that ranks a column. Its parameters are the addresses of the column, the
 * table, the ranks, and the end of the ranks. For each value it counts the groups of 16 thresholds
 * that the value is above, and then the thresholds of the next group.
 */
function defineRanking(module: WasmModule): WasmFunction {
  return module.define(["i32", "i32", "i32", "i32"], [], (code, column, table, ranks, end) => {
    const value = code.variable("v128");
    const groups = code.variable("i32");
    const thresholds = code.variable("i32");
    code.loop(() => {
      code.get(column).memory("v128.load32_splat", 0).set(value);
      writeCountAbove(code, value, table);
      code.tee(groups).i32(groupBytes).op("i32.mul");
      code.get(table).op("i32.add").i32(groupBytes).op("i32.add").set(thresholds);
      code.get(ranks);
      writeCountAbove(code, value, thresholds);
      code.get(groups).i32(groupSize).op("i32.mul").op("i32.add").i32(lowestRank).op("i32.add");
      code.memory("i32.store8", 0);
      code.get(column).i32(4).op("i32.add").set(column);
      code.get(ranks).i32(1).op("i32.add").tee(ranks).get(end).op("i32.lt_u");
    });
  });
}

/**
 * Writes code that counts how many of 15 ascending thresholds a value is above. NaN is above all.
 */
function writeCountAbove(code: Code, value: Local, thresholds: Local): void {
  code.i32(groupSize - 1);
  const compareWithFour = (offset: number) =>
    code.get(value).get(thresholds).memory("v128.load", offset).op("f32x4.le");
  compareWithFour(0);
  compareWithFour(16).op("i16x8.narrow_i32x4_s");
  compareWithFour(32);
  compareWithFour(48).op("i16x8.narrow_i32x4_s");
  code.op("i8x16.narrow_i16x8_s").op("i8x16.bitmask").i32(0x7fff).op("i32.and");
  code.op("i32.popcnt").op("i32.sub");
}
