import {
  type BinaryOperation,
  type Column,
  type Ensemble,
  operandsOf,
  type SelectColumn,
  type UnaryOperation,
} from "./column.ts";
import { defineExp } from "./exp-code.ts";
import type { Code, Instruction, Local, WasmFunction, WasmModule } from "./wasm.ts";

/** The number of rows in a block, a multiple of 16. */
export const blockRows = 256;

/**
 * The distance between columns in memory, in bytes: a float32 for each row, and one cache line.
 * Without it, a row's values in different columns would compete for the same place in the cache.
 */
export const columnBytes = blockRows * 4 + 64;

const binaryInstruction: Readonly<Record<BinaryOperation, Instruction>> = {
  add: "f32x4.add",
  subtract: "f32x4.sub",
  multiply: "f32x4.mul",
  divide: "f32x4.div",
  larger: "f32x4.pmax",
};

const comparisonInstruction: Readonly<Record<SelectColumn["comparison"], Instruction>> = {
  equal: "f32x4.eq",
  less: "f32x4.lt",
};

/**
 * Writes a loop over rows.
 *
 * @param rowsAtOnce the number of rows that the body computes
 * @param body gets the position of its first row in a column, in bytes
 */
export function writeRowLoop(
  code: Code,
  rows: Local,
  rowsAtOnce: number,
  body: (position: Local) => void,
): void {
  const position = code.variable("i32");
  const bytes = rowsAtOnce * 4;
  code.loop(() => {
    body(position);
    code.get(position).i32(bytes).op("i32.add").tee(position);
    code.get(rows).i32(2).op("i32.shl").op("i32.lt_u");
  });
}

/** The columns of a block of rows in the module's memory. Writes the code that computes them. */
export class StoredColumns {
  readonly #module: WasmModule;
  readonly #shared: ReadonlySet<Column>;
  readonly #exp: WasmFunction;
  readonly #addresses = new Map<Column, number>();
  readonly #scores = new Map<Ensemble, number>();

  /** @param shared columns that several others are computed from, so that they are stored */
  constructor(module: WasmModule, shared: ReadonlySet<Column>) {
    this.#module = module;
    this.#shared = shared;
    this.#exp = defineExp(module);
  }

  /** Reserves memory for a column. @returns its address */
  reserve(column: Column): number {
    const address = this.#module.reserve(columnBytes);
    this.#addresses.set(column, address);
    return address;
  }

  /** Reserves memory for the scores of an ensemble. @returns the address of the first target */
  reserveScores(ensemble: Ensemble): number {
    const address = this.#module.reserve(ensemble.targets * columnBytes);
    this.#scores.set(ensemble, address);
    return address;
  }

  /** @throws {Error} if the column is not stored */
  addressOf(column: Column): number {
    const address = this.#find(column);
    if (address === undefined) throw new Error(`a ${column.kind} column is not stored`);
    return address;
  }

  /**
   * Defines a function that computes the columns that are not stored yet.
   *
   * @returns a function of the number of rows
   */
  defineComputation(columns: Iterable<Column>): WasmFunction {
    const added: Column[] = [];
    const add = (column: Column, isNeeded: boolean) => {
      if (this.#find(column) !== undefined) return;
      for (const operand of operandsOf(column)) add(operand, false);
      if (!isNeeded && !this.#shared.has(column)) return;
      this.reserve(column);
      added.push(column);
    };
    for (const column of columns) add(column, true);
    return this.#module.define(["i32"], [], (code, rows) => {
      writeRowLoop(code, rows, 4, (position) => {
        for (const column of added) {
          code.get(position);
          this.#compute(code, column, position);
          code.memory("v128.store", this.addressOf(column));
        }
      });
    });
  }

  #find(column: Column): number | undefined {
    if (column.kind !== "score") return this.#addresses.get(column);
    const first = this.#scores.get(column.ensemble);
    return first === undefined ? undefined : first + column.target * columnBytes;
  }

  #push(code: Code, column: Column, position: Local): void {
    const address = this.#find(column);
    if (address === undefined) this.#compute(code, column, position);
    else code.get(position).memory("v128.load", address);
  }

  #compute(code: Code, column: Column, position: Local): void {
    for (const operand of operandsOf(column)) this.#push(code, operand, position);
    switch (column.kind) {
      case "constant":
        code.f32(column.value).op("f32x4.splat");
        break;
      case "unary":
        this.#unary(code, column.operation);
        break;
      case "binary":
        code.op(binaryInstruction[column.operation]);
        break;
      case "select":
        code.op(comparisonInstruction[column.comparison]).op("v128.bitselect");
        break;
      default:
        throw new Error(`a ${column.kind} column is not stored`);
    }
  }

  #unary(code: Code, operation: UnaryOperation): void {
    if (operation === "exp") code.call(this.#exp);
    else code.op(operation === "absolute" ? "f32x4.abs" : "f32x4.neg");
  }
}
