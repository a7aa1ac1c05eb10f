import { type BatcherOptions, batched as sliced } from "../../../service/src/predictor/batcher.ts";
import type { Predictor } from "../../../service/src/predictor/predictor.ts";

export { batching } from "../../../service/src/predictor/batcher.ts";

/** Takes the place of the service's own: a run takes all the rows that wait. */
export function batched(predictor: Predictor, options: BatcherOptions): Predictor {
  return sliced(predictor, { ...options, maxRunRows: options.maxQueuedRows });
}
