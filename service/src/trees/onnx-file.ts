import { Unsupported } from "./unsupported.ts";

/** The part of an ONNX file that the compiler reads. */
export interface OnnxGraph {
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly string[];
  /** Constants by name. */
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  /** A node comes after the nodes whose results it uses. */
  readonly nodes: readonly OnnxNode[];
}

/** An input of the graph. */
interface OnnxInput {
  readonly name: string;
  /** The number of a type, such as one of {@link ElementType}. 0 if the input is not a tensor. */
  readonly elementType: number;
  /** `undefined` for dimensions that vary. */
  readonly dimensions: readonly (number | undefined)[];
}

/** An operator applied to named values. */
export interface OnnxNode {
  readonly operator: string;
  /** "" is ai.onnx. */
  readonly domain: string;
  /** An optional input that is left out has the name "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** An attribute of a node. Which value it has depends on the attribute's name. */
interface OnnxAttribute {
  readonly float: number;
  readonly int: number;
  readonly text: string;
  readonly tensor: OnnxTensor | undefined;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly texts: readonly string[];
}

/** A constant. */
export interface OnnxTensor {
  readonly elementType: number;
  readonly dimensions: readonly number[];
  /** Empty for types that are not in {@link ElementType}. */
  readonly values: readonly number[];
}

/** The element types that the compiler knows, with their numbers in ONNX. */
export const ElementType = { float: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9 } as const;

/**
 * Reads the graph of an ONNX file, which is in the format of Protocol Buffers. The field numbers
 * are from `onnx.proto`.
 *
 * @throws {Unsupported} if the file is malformed or has no graph
 */
export function readOnnxGraph(file: Uint8Array): OnnxGraph {
  const model = new Message(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  const graphs: OnnxGraph[] = [];
  model.read({ 7: () => graphs.push(readGraph(model.message())) });
  const [graph] = graphs;
  if (graph === undefined) throw new Unsupported("the file has no graph");
  return graph;
}

function readGraph(message: Message): OnnxGraph {
  const inputs: OnnxInput[] = [];
  const outputs: string[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const nodes: OnnxNode[] = [];
  message.read({
    1: () => nodes.push(readNode(message.message())),
    5: () => initializers.set(...readTensor(message.message())),
    11: () => inputs.push(readValue(message.message())),
    12: () => outputs.push(readValue(message.message()).name),
  });
  // Files of old versions list their constants among the inputs.
  const fed = inputs.filter(({ name }) => !initializers.has(name));
  return { inputs: fed, outputs, initializers, nodes };
}

function readNode(message: Message): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, OnnxAttribute>();
  const node = { operator: "", domain: "", inputs, outputs, attributes };
  message.read({
    1: () => inputs.push(message.text()),
    2: () => outputs.push(message.text()),
    4: () => {
      node.operator = message.text();
    },
    5: () => attributes.set(...readAttribute(message.message())),
    7: () => {
      node.domain = message.text();
    },
  });
  return node.domain === "ai.onnx" ? { ...node, domain: "" } : node;
}

function readAttribute(message: Message): [name: string, attribute: OnnxAttribute] {
  const floats: number[] = [];
  const ints: number[] = [];
  const texts: string[] = [];
  const tensors: OnnxTensor[] = [];
  const single = { name: "", float: 0, int: 0, text: "" };
  message.read({
    1: () => {
      single.name = message.text();
    },
    2: () => {
      single.float = message.float();
    },
    3: () => {
      single.int = message.int();
    },
    4: () => {
      single.text = message.text();
    },
    5: () => tensors.push(readTensor(message.message())[1]),
    7: () => message.floats(floats),
    8: () => message.ints(ints),
    9: () => texts.push(message.text()),
  });
  const { name, ...values } = single;
  return [name, { ...values, tensor: tensors[0], floats, ints, texts }];
}

function readTensor(message: Message): [name: string, tensor: OnnxTensor] {
  const dimensions: number[] = [];
  const values: number[] = [];
  const raw: Buffer[] = [];
  const single = { name: "", elementType: 0 };
  message.read({
    1: () => message.ints(dimensions),
    2: () => {
      single.elementType = message.int();
    },
    4: () => message.floats(values),
    5: () => message.ints(values),
    7: () => message.ints(values),
    8: () => {
      single.name = message.text();
    },
    9: () => raw.push(message.bytes()),
  });
  const { name, elementType } = single;
  const [bytes] = raw;
  return [
    name,
    { elementType, dimensions, values: bytes ? rawValues(bytes, elementType) : values },
  ];
}

function rawValues(raw: Buffer, elementType: number): number[] {
  const values = (bytesEach: number, read: (offset: number) => number) =>
    Array.from({ length: Math.floor(raw.length / bytesEach) }, (_, at) => read(at * bytesEach));
  switch (elementType) {
    case ElementType.float:
      return values(4, (offset) => raw.readFloatLE(offset));
    case ElementType.int32:
      return values(4, (offset) => raw.readInt32LE(offset));
    case ElementType.int64:
      return values(8, (offset) => Number(raw.readBigInt64LE(offset)));
    case ElementType.uint8:
    case ElementType.bool:
      return [...raw];
    default:
      return [];
  }
}

function readValue(message: Message): OnnxInput {
  const dimensions: (number | undefined)[] = [];
  const value = { name: "", elementType: 0, dimensions };
  const readType = (type: Message) =>
    type.read({
      1: () => {
        const tensor = type.message();
        tensor.read({
          1: () => {
            value.elementType = tensor.int();
          },
          2: () => dimensions.push(...readShape(tensor.message())),
        });
      },
    });
  message.read({
    1: () => {
      value.name = message.text();
    },
    2: () => readType(message.message()),
  });
  return value;
}

function readShape(shape: Message): (number | undefined)[] {
  const dimensions: (number | undefined)[] = [];
  shape.read({
    1: () => {
      const sizes: number[] = [];
      const dimension = shape.message();
      dimension.read({ 1: () => sizes.push(dimension.int()) });
      dimensions.push(sizes[0]);
    },
  });
  return dimensions;
}

const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A message of Protocol Buffers. */
class Message {
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;
  #wireType: number = WireType.bytes;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Calls the reader of each field. Fields without a reader are skipped. */
  read(readers: Readonly<Record<number, () => unknown>>): void {
    while (this.#position < this.#end) {
      const key = this.int();
      this.#wireType = key & 7;
      const reader = readers[key >>> 3];
      if (reader === undefined) this.#skip();
      else reader();
    }
  }

  /** Reads a 64-bit integer. Beyond ±2^53 it is rounded. */
  int(): number {
    let value = 0;
    for (let unit = 1; unit < 2 ** 49; unit *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
    let long = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      long += BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, long));
    }
    throw new Unsupported("the file has an integer of more than 64 bits");
  }

  float(): number {
    return this.#bytes.readFloatLE(this.#take(4));
  }

  text(): string {
    const length = this.int();
    const start = this.#take(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  bytes(): Buffer {
    const length = this.int();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  message(): Message {
    const length = this.int();
    const start = this.#take(length);
    return new Message(this.#bytes, start, start + length);
  }

  /** Reads integers of a repeated field, and adds them to the list. */
  ints(values: number[]): void {
    for (const end = this.#endOfRepeated(); this.#position < end; ) values.push(this.int());
  }

  /** Reads float32 numbers of a repeated field, and adds them to the list. */
  floats(values: number[]): void {
    for (const end = this.#endOfRepeated(); this.#position < end; ) values.push(this.float());
  }

  /** A repeated field occurs once for each number, or once for several numbers. */
  #endOfRepeated(): number {
    if (this.#wireType !== WireType.bytes) return this.#position + 1;
    const length = this.int();
    const start = this.#take(length);
    this.#position = start;
    return start + length;
  }

  #skip(): void {
    switch (this.#wireType) {
      case WireType.varint:
        this.int();
        break;
      case WireType.fixed64:
        this.#take(8);
        break;
      case WireType.bytes:
        this.#take(this.int());
        break;
      case WireType.fixed32:
        this.#take(4);
        break;
      default:
        throw new Unsupported(`the file has a field of wire type ${this.#wireType}`);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw new Unsupported("the file ends in the middle of a field");
    this.#position += 1;
    return byte;
  }

  /** Skips bytes. @returns where they start */
  #take(length: number): number {
    const start = this.#position;
    this.#position += length;
    if (!(length >= 0 && this.#position <= this.#end)) {
      throw new Unsupported("the file ends in the middle of a field");
    }
    return start;
  }
}
