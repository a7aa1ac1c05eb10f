import "../../service/src/model/no-telemetry.ts";
import { Tensor } from "onnxruntime-node";
import { createSession } from "../../service/src/model/onnx-runner.ts";
import type { Columns } from "./columns.ts";

/** Returns one number per row: an output of an ONNX model. */
export type OnnxPredictor = (columns: Columns) => Promise<Float32Array>;

/**
 * Loads an ONNX file into ONNX Runtime, with the same settings as the service.
 *
 * @param name the output to return. By default, the first one
 * @returns a predictor that takes the model's input as columns
 * @throws {ModelError} if ONNX Runtime cannot load the file
 */
export async function loadOnnxPredictor(onnx: Uint8Array, name?: string): Promise<OnnxPredictor> {
  const session = await createSession(onnx);
  const [input = ""] = session.inputNames;
  const [first = ""] = session.outputNames;
  const output = name ?? first;
  return async function predict(columns) {
    const rows = columns[0]?.length ?? 0;
    const values = interleave(columns, rows);
    const feed = { [input]: new Tensor("float32", values, [rows, columns.length]) };
    const results = await session.run(feed, [output]);
    const predictions = results[output]?.data;
    if (!(predictions instanceof Float32Array)) {
      throw new Error("the ONNX model does not return float32 predictions");
    }
    return predictions;
  };
}

/** Returns the first rows of a table, row-major. */
export function interleave(columns: Columns, rows: number): Float32Array {
  const values = new Float32Array(rows * columns.length);
  for (const [index, column] of columns.entries()) {
    for (const [row, value] of column.subarray(0, rows).entries()) {
      values[row * columns.length + index] = value;
    }
  }
  return values;
}
