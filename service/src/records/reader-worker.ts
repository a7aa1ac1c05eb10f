import { parentPort, workerData } from "node:worker_threads";
import { Refusal } from "../wire/refusal.ts";
import { createRecordReader } from "./reader.ts";
import type { ReaderSettings, ReadResult, ReadTask } from "./reader-thread.ts";

const { schema, maxRecords }: ReaderSettings = workerData;
const reader = createRecordReader(schema, maxRecords);

/** Joins blocks, and frees each block as soon as it is copied. */
function join(blocks: readonly Uint8Array<ArrayBuffer>[]): Buffer<ArrayBuffer> {
  const length = blocks.reduce((sum, block) => sum + block.length, 0);
  const body = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const block of blocks) {
    body.set(block, at);
    at += block.length;
    block.buffer.transfer(0);
  }
  return body;
}

function read({ shape, blocks }: ReadTask): ReadResult {
  const body = join(blocks);
  try {
    return reader[shape](body);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status, text, body } = error;
    return { status, text, body };
  } finally {
    body.buffer.transfer(0);
  }
}

parentPort?.on("message", (task: ReadTask) => {
  const result = read(task);
  const bytes = result instanceof Float32Array ? result : result.body;
  parentPort?.postMessage(result, typeof bytes === "string" ? [] : [bytes.buffer]);
});
