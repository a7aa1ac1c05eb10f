import { workerData } from "node:worker_threads";
import { answerReads } from "./answer-reads.ts";
import type { RecordsSettings, RecordsTask } from "./body-reader.ts";
import { createRecordReader } from "./reader.ts";

const { schema, maxRecords }: RecordsSettings = workerData;
const reader = createRecordReader(schema, maxRecords);

answerReads(
  ({ shape, maxRecords }: RecordsTask, body) => reader[shape](body, maxRecords),
  (matrix) => matrix,
);
