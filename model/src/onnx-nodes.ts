import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./generated/onnx_pb.ts";

/** The values of the enum AttributeProto.AttributeType in the specification. */
const attributeTypes = { int: 2, string: 3, floats: 6, ints: 7, strings: 8 } as const;

/** The values of the enum TensorProto.DataType in the specification. */
const dataTypes = { float: 1, int64: 7 } as const;

const encoder = new TextEncoder();

/** The value of a node attribute. */
type AttributeValue =
  | { readonly int: number }
  | { readonly string: string }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] }
  | { readonly strings: readonly string[] };

/** One application of an operator. */
export interface NodeDescription {
  readonly operator: string;
  /** Absent for the default domain, ai.onnx. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

/** Creates a node: an operator applied to named values. The node is named after its output. */
export function node(description: NodeDescription): NodeProto {
  const { operator, domain = "", inputs, output, attributes = {} } = description;
  return create(NodeProtoSchema, {
    input: [...inputs],
    output: [output],
    name: output,
    opType: operator,
    domain,
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  });
}

/** Creates a constant float32 tensor with one row. */
export function rowOfFloats(name: string, values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: [1n, BigInt(values.length)],
    dataType: dataTypes.float,
    floatData: [...values],
  });
}

/** Creates a constant int64 vector. */
export function vectorOfIntegers(name: string, values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: dataTypes.int64,
    int64Data: values.map(BigInt),
  });
}

/**
 * Describes a float32 input or output of the graph with `columns` columns and any number of rows.
 */
export function floatTable(name: string, columns: number): ValueInfoProto {
  const dim = [
    { value: { case: "dimParam", value: "N" } },
    { value: { case: "dimValue", value: BigInt(columns) } },
  ] as const;
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: { elemType: dataTypes.float, shape: { dim: [...dim] } },
      },
    },
  });
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  return create(AttributeProtoSchema, { name, ...attributeFields(value) });
}

function attributeFields(value: AttributeValue): MessageInitShape<typeof AttributeProtoSchema> {
  if ("int" in value) return { type: attributeTypes.int, i: BigInt(value.int) };
  if ("string" in value) return { type: attributeTypes.string, s: encoder.encode(value.string) };
  if ("floats" in value) return { type: attributeTypes.floats, floats: [...value.floats] };
  if ("ints" in value) return { type: attributeTypes.ints, ints: value.ints.map(BigInt) };
  return {
    type: attributeTypes.strings,
    strings: value.strings.map((text) => encoder.encode(text)),
  };
}
