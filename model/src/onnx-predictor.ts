import { Tensor } from "onnxruntime-node";
import { createSession } from "../../service/src/model/onnx-runner.ts";
import type { Columns } from "./columns.ts";

/** Predicts with an ONNX model. Returns one prediction per row, in the target's unit. */
export type OnnxPredictor = (columns: Columns) => Promise<Float32Array>;

/**
 * Loads an ONNX file into ONNX Runtime, with the same settings as the service.
 *
 * @returns a predictor that takes the model's input as columns
 * @throws {ModelError} if ONNX Runtime cannot load the file
 */
export async function loadOnnxPredictor(onnx: Uint8Array): Promise<OnnxPredictor> {
  const session = await createSession(onnx);
  const [input = ""] = session.inputNames;
  const [output = ""] = session.outputNames;
  return async function predict(columns) {
    const rows = columns[0]?.length ?? 0;
    const values = interleave(columns, rows);
    const results = await session.run({
      [input]: new Tensor("float32", values, [rows, columns.length]),
    });
    const predictions = results[output]?.data;
    if (!(predictions instanceof Float32Array)) {
      throw new Error("the ONNX model does not return float32 predictions");
    }
    return predictions;
  };
}

function interleave(columns: Columns, rows: number): Float32Array {
  const values = new Float32Array(rows * columns.length);
  for (const [index, column] of columns.entries()) {
    for (const [row, value] of column.entries()) values[row * columns.length + index] = value;
  }
  return values;
}
