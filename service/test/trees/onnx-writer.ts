/** An attribute of a node. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly texts: readonly string[] };

/** An operator applied to named values. */
export interface Node {
  readonly operator: string;
  readonly domain?: "ai.onnx.ml";
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A constant. */
export interface Constant {
  readonly type: "float" | "int64";
  readonly dimensions: readonly number[];
  readonly values: readonly number[];
}

/** An input of rows and columns. */
export interface Input {
  readonly type: "float" | "int64" | "string" | "bool" | "double";
  readonly columns: number;
}

/** A graph with float32 outputs. */
export interface Graph {
  readonly inputs: Readonly<Record<string, Input>>;
  readonly outputs: readonly string[];
  readonly constants?: Readonly<Record<string, Constant>>;
  readonly nodes: readonly Node[];
}

const elementNumber = { float: 1, int64: 7, string: 8, bool: 9, double: 11 } as const;

/** Writes an ONNX file, with the field and type numbers of `onnx.proto`. */
export function onnxFile({ inputs, outputs, constants = {}, nodes }: Graph): Uint8Array {
  const tensorType = (...fields: Buffer[]) => message(2, message(1, ...fields));
  const graph = [
    ...nodes.map((node) => message(1, ...nodeFields(node))),
    text(2, "graph"),
    ...Object.entries(constants).map(([name, constant]) =>
      message(5, ...constantFields(constant), text(8, name)),
    ),
    ...Object.entries(inputs).map(([name, { type, columns }]) =>
      message(11, text(1, name), tensorType(int(1, elementNumber[type]), shape(columns))),
    ),
    ...outputs.map((name) => message(12, text(1, name), tensorType(int(1, elementNumber.float)))),
  ];
  const operators = (domain: string, version: number) =>
    message(8, text(1, domain), int(2, version));
  return Buffer.concat([
    int(1, 8),
    message(7, ...graph),
    operators("", 17),
    operators("ai.onnx.ml", 3),
  ]);
}

/** Rows that vary, and columns that don't. */
function shape(columns: number): Buffer {
  return message(2, message(1, text(2, "N")), message(1, int(1, columns)));
}

function nodeFields({ operator, domain, inputs, outputs, attributes = {} }: Node): Buffer[] {
  return [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) =>
      message(5, text(1, name), ...attributeFields(value)),
    ),
    text(7, domain ?? ""),
  ];
}

function attributeFields(value: Attribute): Buffer[] {
  if ("float" in value) return [float(2, value.float), int(20, 1)];
  if ("int" in value) return [int(3, value.int), int(20, 2)];
  if ("text" in value) return [text(4, value.text), int(20, 3)];
  if ("floats" in value) return [...value.floats.map((each) => float(7, each)), int(20, 6)];
  // Packed. The floats above have one field each, which is also valid.
  if ("ints" in value) return [bytes(8, Buffer.concat(value.ints.map(varint))), int(20, 7)];
  return [...value.texts.map((each) => text(9, each)), int(20, 8)];
}

function constantFields({ type, dimensions, values }: Constant): Buffer[] {
  const raw =
    type === "float"
      ? Float32Array.from(values)
      : BigInt64Array.from(values, (each) => BigInt(each));
  return [
    ...dimensions.map((size) => int(1, size)),
    int(2, elementNumber[type]),
    bytes(9, Buffer.from(raw.buffer)),
  ];
}

function message(field: number, ...fields: Buffer[]): Buffer {
  return bytes(field, Buffer.concat(fields));
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function bytes(field: number, value: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
}

function int(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function float(field: number, value: number): Buffer {
  return Buffer.concat([varint((field << 3) | 5), Buffer.from(Float32Array.of(value).buffer)]);
}

function varint(value: number): Buffer {
  const sevenBits: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    sevenBits.push(Number(rest & 127n));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(
    sevenBits.map((bits, index) => (index < sevenBits.length - 1 ? bits | 128 : bits)),
  );
}
