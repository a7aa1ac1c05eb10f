import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../src/generated/onnx_pb.ts";
import { type NodeDescription, node } from "../src/onnx-nodes.ts";

/** The values of the enum TensorProto.DataType in the specification. */
const elementTypes = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float64: 11,
} as const;

/** An input or output of a graph. A dimension that varies has a name. */
export interface Value {
  readonly name: string;
  readonly type: keyof typeof elementTypes;
  readonly shape: readonly (number | string)[];
}

/** Writes an ONNX file with a graph of a few nodes. */
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
      value: { case: "tensorType", value: { elemType: elementTypes[type], shape: { dim } } },
    },
  });
}

/** Returns the attribute of the operator Cast for an element type. */
export const castTo = (type: Value["type"]) => ({ to: { int: elementTypes[type] } });

/** Creates a model with one input, to which it applies an operator. */
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

type Column = Pick<Value, "name" | "type">;

/** Creates a node that turns a column into numbers, and strings into the number of each. */
export function toNumber(
  { name, type }: Column,
  output: string,
  numbers: Readonly<Record<string, number>>,
): NodeDescription {
  if (type !== "string") {
    return { operator: "Cast", inputs: [name], output, attributes: castTo("float32") };
  }
  return {
    operator: "LabelEncoder",
    domain: "ai.onnx.ml",
    inputs: [name],
    output,
    attributes: {
      keys_strings: { strings: Object.keys(numbers) },
      values_floats: { floats: Object.values(numbers) },
    },
  };
}

/** Creates a model with one input per feature. Its output `all` has the number of each feature. */
export function mixedModel(
  inputs: readonly Column[],
  numbers: Readonly<Record<string, number>>,
): Uint8Array {
  return smallModel({
    inputs: inputs.map((input) => ({ ...input, shape: ["N", 1] })),
    outputs: [{ name: "all", type: "float32", shape: ["N", inputs.length] }],
    nodes: [
      ...inputs.map((input) => toNumber(input, `number_${input.name}`, numbers)),
      {
        operator: "Concat",
        inputs: inputs.map(({ name }) => `number_${name}`),
        output: "all",
        attributes: { axis: { int: 1 } },
      },
    ],
  });
}
