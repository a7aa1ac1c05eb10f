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

/** Numbers of the specification's enum AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { int: 2, string: 3, floats: 6, ints: 7, strings: 8 } as const;

/** Numbers of the specification's enum TensorProto.DataType. */
const DATA_TYPE = { float: 1, int64: 7 } as const;

const encoder = new TextEncoder();

/** A value of a node's attribute. */
type AttributeValue =
  | { readonly int: number }
  | { readonly string: string }
  | { readonly floats: readonly number[] }
  | { readonly ints: readonly number[] }
  | { readonly strings: readonly string[] };

/** One application of an operator. */
export type NodeDescription = {
  readonly operator: string;
  /** Absent for ai.onnx. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
};

/** An operator applied to named values; the node has its output's name. */
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

/** A constant float32 tensor with one row. */
export function rowOfFloats(name: string, values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: [1n, BigInt(values.length)],
    dataType: DATA_TYPE.float,
    floatData: [...values],
  });
}

/** A constant int64 vector. */
export function vectorOfIntegers(name: string, values: readonly number[]): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dims: [BigInt(values.length)],
    dataType: DATA_TYPE.int64,
    int64Data: values.map(BigInt),
  });
}

/** A float32 input or output of the graph: any number of rows, named `N`, of so many columns. */
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
        value: { elemType: DATA_TYPE.float, shape: { dim: [...dim] } },
      },
    },
  });
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  return create(AttributeProtoSchema, { name, ...attributeFields(value) });
}

function attributeFields(value: AttributeValue): MessageInitShape<typeof AttributeProtoSchema> {
  if ("int" in value) {
    return { type: ATTRIBUTE_TYPE.int, i: BigInt(value.int) };
  }
  if ("string" in value) {
    return { type: ATTRIBUTE_TYPE.string, s: encoder.encode(value.string) };
  }
  if ("floats" in value) {
    return { type: ATTRIBUTE_TYPE.floats, floats: [...value.floats] };
  }
  if ("ints" in value) {
    return { type: ATTRIBUTE_TYPE.ints, ints: value.ints.map(BigInt) };
  }
  return {
    type: ATTRIBUTE_TYPE.strings,
    strings: value.strings.map((text) => encoder.encode(text)),
  };
}
