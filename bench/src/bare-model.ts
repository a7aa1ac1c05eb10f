import "../../model/src/no-telemetry.ts";
import { InferenceSession, Tensor } from "onnxruntime-node";

/** A tensor by the name of the model's input. */
type Feeds = Readonly<Record<string, Tensor>>;

/** ONNX Runtime with nothing around it, on one thread as in the service. */
export interface BareModel {
  /** @param matrix rows × `features`, row-major; not copied */
  feed(matrix: Float32Array, features: number): Feeds;
  /** One run over all rows. */
  run(feeds: Feeds): Promise<Float32Array>;
}

/**
 * @param onnx a model with one input and one output of float32
 * @throws where ONNX Runtime refuses it
 */
export async function loadBareModel(onnx: Uint8Array): Promise<BareModel> {
  const session = await InferenceSession.create(onnx, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const [input = ""] = session.inputNames;
  const [output = ""] = session.outputNames;
  return {
    feed(matrix, features) {
      const shape = [matrix.length / features, features];
      return { [input]: new Tensor("float32", matrix, shape) };
    },
    async run(feeds) {
      const data = (await session.run(feeds))[output]?.data;
      if (!(data instanceof Float32Array)) throw new Error("void: the model gave no float32");
      return data;
    },
  };
}
