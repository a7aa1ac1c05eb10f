import { batched as sliced, batching as usual } from "../../../service/src/predictor/batcher.ts";

// Takes the place of the service's own batcher: a run takes all the rows that wait.
export const batched = sliced;
export const batching = { ...usual, maxRunRows: usual.maxQueuedRows };
