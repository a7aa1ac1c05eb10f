import { Bytes } from "./bytes.ts";

/** The type of a value. */
export type ValueType = keyof typeof valueTypes;

/** An instruction whose operands are all on the stack. */
export type Instruction = keyof typeof instructions;

/** An instruction that loads from or stores to memory. */
export type MemoryInstruction = keyof typeof memoryInstructions;

/** An instruction on one lane of a vector. */
export type LaneInstruction = keyof typeof laneInstructions;

const valueTypes = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

const simd = 0xfd;

const instructions = {
  select: [0x1b],
  "i32.lt_u": [0x49],
  "f32.lt": [0x5d],
  "f32.gt": [0x5e],
  "f32.le": [0x5f],
  "i32.popcnt": [0x69],
  "i32.add": [0x6a],
  "i32.sub": [0x6b],
  "i32.mul": [0x6c],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.xor": [0x73],
  "i32.shl": [0x74],
  "i32.shr_s": [0x75],
  "i32.shr_u": [0x76],
  "i64.add": [0x7c],
  "i64.shl": [0x86],
  "f32.add": [0x92],
  "f32.min": [0x96],
  "f32.max": [0x97],
  "f64.nearest": [0x9e],
  "f64.add": [0xa0],
  "f64.sub": [0xa1],
  "f64.mul": [0xa2],
  "i64.extend_i32_s": [0xac],
  "f32.demote_f64": [0xb6],
  "f64.promote_f32": [0xbb],
  "f64.reinterpret_i64": [0xbf],
  "i32.trunc_sat_f64_s": [0xfc, 0x02],
  "f32x4.splat": [simd, 0x13],
  "i8x16.gt_s": [simd, 0x27],
  "f32x4.eq": [simd, 0x41],
  "f32x4.lt": [simd, 0x43],
  "f32x4.le": [simd, 0x45],
  "v128.and": [simd, 0x4e],
  "v128.bitselect": [simd, 0x52],
  "i8x16.bitmask": [simd, 0x64],
  "i8x16.narrow_i16x8_s": [simd, 0x65],
  "i8x16.sub": [simd, 0x71],
  "i8x16.max_u": [simd, 0x79],
  "i16x8.narrow_i32x4_s": [simd, 0x85, 0x01],
  "f32x4.abs": [simd, 0xe0, 0x01],
  "f32x4.neg": [simd, 0xe1, 0x01],
  "f32x4.add": [simd, 0xe4, 0x01],
  "f32x4.sub": [simd, 0xe5, 0x01],
  "f32x4.mul": [simd, 0xe6, 0x01],
  "f32x4.div": [simd, 0xe7, 0x01],
  "f32x4.pmax": [simd, 0xeb, 0x01],
} as const;

/** The last byte is the binary logarithm of the alignment. */
const memoryInstructions = {
  "i32.load": [0x28, 2],
  "i64.load": [0x29, 3],
  "f32.load": [0x2a, 2],
  "f32.store": [0x38, 2],
  "i32.store8": [0x3a, 0],
  "v128.load": [simd, 0x00, 4],
  "v128.load32_splat": [simd, 0x09, 2],
  "v128.store": [simd, 0x0b, 4],
} as const;

const laneInstructions = {
  "i8x16.extract_lane_u": [simd, 0x16],
  "f32x4.extract_lane": [simd, 0x1f],
  "f32x4.replace_lane": [simd, 0x20],
} as const;

/** A parameter or variable of a function. */
export interface Local {
  readonly index: number;
}

/** A function of a module. */
export interface WasmFunction {
  readonly index: number;
}

/**
 * Writes the code of a function, instruction by instruction. Operands come before the instruction
 * that takes them.
 */
export class Code {
  readonly #bytes = new Bytes();
  readonly #variables: ValueType[] = [];
  readonly #parameterCount: number;

  constructor(parameterCount: number) {
    this.#parameterCount = parameterCount;
  }

  /** Creates a variable. It starts at 0. */
  variable(type: ValueType): Local {
    this.#variables.push(type);
    return { index: this.#parameterCount + this.#variables.length - 1 };
  }

  get({ index }: Local): this {
    this.#bytes.byte(0x20).unsigned(index);
    return this;
  }

  set({ index }: Local): this {
    this.#bytes.byte(0x21).unsigned(index);
    return this;
  }

  /** Sets a variable, and leaves its value on the stack. */
  tee({ index }: Local): this {
    this.#bytes.byte(0x22).unsigned(index);
    return this;
  }

  i32(value: number): this {
    this.#bytes.byte(0x41).signed(value);
    return this;
  }

  i64(value: number): this {
    this.#bytes.byte(0x42).signed(value);
    return this;
  }

  f32(value: number): this {
    this.#bytes.byte(0x43).append(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  f64(value: number): this {
    this.#bytes.byte(0x44).append(new Uint8Array(Float64Array.of(value).buffer));
    return this;
  }

  op(instruction: Instruction): this {
    this.#bytes.bytes(instructions[instruction]);
    return this;
  }

  /** @param offset bytes to add to the address on the stack */
  memory(instruction: MemoryInstruction, offset: number): this {
    this.#bytes.bytes(memoryInstructions[instruction]).unsigned(offset);
    return this;
  }

  lane(instruction: LaneInstruction, lane: number): this {
    this.#bytes.bytes(laneInstructions[instruction]).byte(lane);
    return this;
  }

  call({ index }: WasmFunction): this {
    this.#bytes.byte(0x10).unsigned(index);
    return this;
  }

  /** Repeats a body until it puts 0 onto the stack. */
  loop(body: () => void): this {
    this.#bytes.bytes([0x03, 0x40]);
    body();
    this.#bytes.bytes([0x0d, 0x00, end]);
    return this;
  }

  /** Returns the function as in a module: its variables, its code and an end. */
  encode(): Uint8Array {
    const variables = this.#variables.map((type) => Uint8Array.of(1, valueTypes[type]));
    const body = new Bytes().list(variables).append(this.#bytes.written).byte(end);
    return new Bytes().sized(body.written).written;
  }
}

/** Writes a module: functions, and a memory that is exported as `memory`. */
export class WasmModule {
  readonly #types: Uint8Array[] = [];
  readonly #bodies: Uint8Array[] = [];
  readonly #exports: Uint8Array[] = [exported("memory", memoryExport, 0)];
  readonly #constants: Uint8Array[] = [];
  #codeBytes = 0;
  #memoryBytes = 0;

  /** The size of all functions so far, in bytes. */
  get codeBytes(): number {
    return this.#codeBytes;
  }

  /** The size of the memory so far, in bytes. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Defines a function. It may call functions that were defined before. */
  define(
    parameters: readonly ValueType[],
    results: readonly ValueType[],
    write: (code: Code, ...parameters: readonly Local[]) => void,
  ): WasmFunction {
    const index = this.#bodies.length;
    const code = new Code(parameters.length);
    write(code, ...parameters.map((_, parameter) => ({ index: parameter })));
    const body = code.encode();
    this.#bodies.push(body);
    this.#codeBytes += body.length;
    const types = (list: readonly ValueType[]) =>
      list.map((type) => Uint8Array.of(valueTypes[type]));
    this.#types.push(new Bytes().byte(0x60).list(types(parameters)).list(types(results)).written);
    return { index };
  }

  /** Makes a function callable from JavaScript. */
  export(name: string, { index }: WasmFunction): void {
    this.#exports.push(exported(name, functionExport, index));
  }

  /** Reserves memory, which starts as zeros. @returns its address, a multiple of 64 */
  reserve(bytes: number): number {
    const address = this.#memoryBytes;
    this.#memoryBytes += Math.ceil(bytes / cacheLineBytes) * cacheLineBytes;
    return address;
  }

  /** Reserves memory that starts with these bytes. @returns its address, a multiple of 64 */
  place({ buffer, byteOffset, byteLength }: ArrayBufferView): number {
    const address = this.reserve(byteLength);
    const constants = new Uint8Array(buffer, byteOffset, byteLength);
    const segment = new Bytes().bytes([0x00, 0x41]).signed(address).byte(end).sized(constants);
    this.#constants.push(segment.written);
    return address;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const functions = this.#bodies.map((_, index) => new Bytes().unsigned(index).written);
    const memory = new Bytes().byte(0x00).unsigned(Math.ceil(this.#memoryBytes / pageBytes));
    const module = new Bytes().bytes([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
    const sections = [
      [1, this.#types],
      [3, functions],
      [5, [memory.written]],
      [7, this.#exports],
      [10, this.#bodies],
      [11, this.#constants],
    ] as const;
    for (const [id, parts] of sections) module.byte(id).sized(new Bytes().list(parts).written);
    return module.written;
  }
}

const end = 0x0b;
const functionExport = 0x00;
const memoryExport = 0x02;
const cacheLineBytes = 64;
const pageBytes = 65_536;

function exported(name: string, kind: number, index: number): Uint8Array {
  return new Bytes().sized(new TextEncoder().encode(name)).byte(kind).unsigned(index).written;
}
