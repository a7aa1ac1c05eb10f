import "./no-telemetry.ts";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Columns } from "./columns.ts";

/** Predicts with an ONNX model. Returns one prediction per row, in the target's unit. */
export type OnnxPredictor = (columns: Columns) => Promise<Float32Array>;

/**
 * Loads an ONNX file into ONNX Runtime. It runs on one thread, so sums are always computed in the
 * same order.
 *
 * @returns a predictor that takes the model's input as columns
 * @throws {Error} if ONNX Runtime rejects the file
 */
export async function loadOnnxPredictor(onnx: Uint8Array): Promise<OnnxPredictor> {
  const session = await InferenceSession.create(onnx, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
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
