import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../src/generated/onnx_pb.ts";
import { type NodeDescription, node } from "../src/onnx-nodes.ts";

/** Numbers of the specification's enum TensorProto.DataType. */
const ELEMENT_TYPES = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float64: 11,
} as const;

/** An input or output of a graph; a dimension that varies has a name. */
export type Value = {
  readonly name: string;
  readonly type: keyof typeof ELEMENT_TYPES;
  readonly shape: readonly (number | string)[];
};

/** The bytes of an ONNX file that holds a graph of a few nodes. */
export function smallModel(graph: {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly NodeDescription[];
  readonly constants?: readonly TensorProto[];
}): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [
        { domain: "", version: 17n },
        { domain: "ai.onnx.ml", version: 3n },
      ],
      graph: {
        name: "small",
        input: graph.inputs.map(valueInfo),
        output: graph.outputs.map(valueInfo),
        initializer: [...(graph.constants ?? [])],
        node: graph.nodes.map(node),
      },
    }),
  );
}

function valueInfo({ name, type, shape }: Value): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === "number"
      ? ({ value: { case: "dimValue", value: BigInt(size) } } as const)
      : ({ value: { case: "dimParam", value: size } } as const),
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: { case: "tensorType", value: { elemType: ELEMENT_TYPES[type], shape: { dim } } },
    },
  });
}

/** The number of an element type, for the attribute `to` of the operator Cast. */
export const castTo = (type: Value["type"]) => ({ to: { int: ELEMENT_TYPES[type] } });

/** A model of one table: it applies an operator to it, and gives the result. */
export function operatorModel(
  operator: string,
  { columns = 1, type = "float32" }: { columns?: number; type?: Value["type"] } = {},
): Uint8Array {
  return smallModel({
    inputs: [{ name: "x", type, shape: ["N", columns] }],
    outputs: [{ name: "y", type, shape: ["N", columns] }],
    nodes: [{ operator, inputs: ["x"], output: "y" }],
  });
}
