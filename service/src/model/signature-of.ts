import type { Tensor } from "onnxruntime-node";
import {
  type Datatype,
  type IntervalDescription,
  intervalOutput,
  type Signature,
} from "../tensors/signature.ts";
import type { CardFeature } from "./card.ts";
import type { Intervals } from "./interval.ts";
import { type Inputs, inputNameOf, type TableInput } from "./onnx-tensors.ts";

const inputDatatypes: Readonly<Record<TableInput["type"], Datatype>> = {
  float32: "FP32",
  float64: "FP64",
  int64: "INT64",
  int32: "INT32",
  bool: "BOOL",
  string: "BYTES",
};

/** The types of outputs as they are served: doubles are rounded to float32. */
const outputDatatypes: Partial<Record<Tensor.Type, Datatype>> = {
  float32: "FP32",
  float64: "FP32",
  int64: "INT64",
  int32: "INT32",
};

/** The output of a model. */
export interface Output {
  readonly name: string;
  readonly type: Tensor.Type;
  /** Its dimensions for any number of rows. */
  readonly dims: readonly number[];
}

/** Describes the tensors of a model in the terms of the Open Inference Protocol. */
export function signatureOf(
  inputs: Inputs,
  features: readonly CardFeature[],
  { name, type, dims }: Output,
): Signature {
  const output = {
    name,
    datatype: outputDatatypes[type] ?? "FP32",
    shape: [-1, ...dims.slice(1)],
  };
  if (inputs.kind === "table") {
    const { table } = inputs;
    const shape = [-1, features.length];
    const input = { name: table.name, datatype: inputDatatypes[table.type], shape };
    return { kind: "table", inputs: [input], output };
  }
  const types = new Map(inputs.columns.map((input) => [input.name, inputDatatypes[input.type]]));
  const columns = features.map((feature) => {
    const input = inputNameOf(feature);
    return { name: input, datatype: types.get(input) ?? "FP32", shape: [-1, 1] };
  });
  return { kind: "columns", inputs: columns, output };
}

/** Describes the output with the low and the high end of each interval. */
export function describeIntervals({ levels, defaultLevel }: Intervals): IntervalDescription {
  const output = { name: intervalOutput, datatype: "FP32", shape: [-1, 2] } as const;
  return { output, levels, defaultLevel };
}
