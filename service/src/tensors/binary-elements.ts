import { endianness } from "node:os";
import { type Refusal, refusal } from "../wire/refusal.ts";
import type { Cells } from "./cells.ts";
import type { MatchedInput } from "./match-inputs.ts";
import type { Datatype } from "./signature.ts";

/**
 * The bytes of an element. Those of a string are preceded by their number, which has four bytes.
 */
const elementBytes: Readonly<Record<Datatype, number>> = {
  FP32: 4,
  FP64: 8,
  INT64: 8,
  INT32: 4,
  BOOL: 1,
  BYTES: 4,
};

const isBigEndian = endianness() === "BE";

/** Copies little-endian elements into an aligned buffer, in this machine's byte order. */
function aligned(bytes: Uint8Array, size: number): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  if (isBigEndian && size === 4) Buffer.from(copy.buffer).swap32();
  if (isBigEndian && size === 8) Buffer.from(copy.buffer).swap64();
  return copy.buffer;
}

/** Returns numbers as an array. 64-bit integers are rounded to doubles. */
function numbersOf(bytes: Uint8Array, datatype: Exclude<Datatype, "BYTES">) {
  const buffer = aligned(bytes, elementBytes[datatype]);
  switch (datatype) {
    case "FP32":
      return new Float32Array(buffer);
    case "FP64":
      return new Float64Array(buffer);
    case "INT64":
      return Float64Array.from(new BigInt64Array(buffer), Number);
    case "INT32":
      return new Int32Array(buffer);
    case "BOOL":
      return new Uint8Array(buffer);
  }
}

function wrongSize({ name, datatype, rows, columns }: MatchedInput, bytes: number): Refusal {
  const elements = rows * columns.length;
  const size = elementBytes[datatype];
  const needed = datatype === "BYTES" ? `at least ${elements * size}` : `${elements * size}`;
  return refusal(
    400,
    `input ${JSON.stringify(name)} needs ${needed} bytes for ${elements} ${datatype} elements; binary_data_size is ${bytes}`,
  );
}

/**
 * Checks that the size of a binary tensor fits its shape, before a matrix is created.
 *
 * @throws {Refusal} 400
 */
export function requireSize(input: MatchedInput, bytes: number): void {
  const needed = input.rows * input.columns.length * elementBytes[input.datatype];
  const fits = input.datatype === "BYTES" ? bytes >= needed : bytes === needed;
  if (!fits) throw wrongSize(input, bytes);
}

/** Reads strings, each preceded by its length. */
function readTexts(
  bytes: Buffer,
  { name: input, rows, columns }: MatchedInput,
  cells: Cells,
  write: (row: number, column: number, cell: number) => void,
): void {
  const cutOff = () =>
    refusal(400, `the strings of input ${JSON.stringify(input)} do not fill binary_data_size`);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (const column of columns) {
      if (at + 4 > bytes.length) throw cutOff();
      const start = at + 4;
      const end = start + bytes.readUInt32LE(at);
      if (end > bytes.length) throw cutOff();
      const cell = cells.ofText(bytes.subarray(start, end), column);
      if (Number.isNaN(cell)) throw cells.textFault({ input, row, column });
      write(row, column, cell);
      at = end;
    }
  }
  if (at !== bytes.length) throw cutOff();
}

/**
 * Reads a binary tensor, whose size {@link requireSize} has accepted.
 *
 * @param stride the number of columns of the matrix
 * @throws {Refusal} 400 that names the input, row and feature
 */
export function readBinary(
  bytes: Buffer,
  input: MatchedInput,
  cells: Cells,
  matrix: Float32Array,
  stride: number,
): void {
  const { name, datatype, rows, columns } = input;
  if (datatype === "BYTES") {
    readTexts(bytes, input, cells, (row, column, cell) => {
      matrix[row * stride + column] = cell;
    });
    return;
  }
  const numbers = numbersOf(bytes, datatype);
  const isInteger = datatype !== "FP32" && datatype !== "FP64";
  let index = 0;
  for (let row = 0; row < rows; row++) {
    for (const column of columns) {
      const value = numbers[index++] ?? 0;
      const cell = cells.ofNumber(value, column, isInteger);
      if (Number.isNaN(cell)) throw cells.numberFault(value, { input: name, row, column });
      matrix[row * stride + column] = cell;
    }
  }
}
