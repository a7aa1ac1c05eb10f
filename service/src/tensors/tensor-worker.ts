import { workerData } from "node:worker_threads";
import { answerReads } from "../records/answer-reads.ts";
import { createInferenceReader } from "./inference-reader.ts";
import type { TensorsSettings, TensorsTask } from "./tensor-reader.ts";

const { schema, maxRows }: TensorsSettings = workerData;
const read = createInferenceReader(schema, maxRows);

answerReads(
  ({ headerBytes }: TensorsTask, body) => read(body, headerBytes),
  ({ matrix }) => matrix,
);
