import { parentPort } from "node:worker_threads";
import { Refusal } from "../wire/refusal.ts";
import type { ReadResult, ReadTask } from "./reader-thread.ts";

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

/**
 * Reads the bodies that a `ReaderThread` sends to this thread, and sends back the results.
 *
 * @param read throws a {@link Refusal} for an error response. Keeps no reference to the body
 * @param matrixOf returns the matrix of a result, which is transferred instead of copied
 */
export function answerReads<Task extends ReadTask, Result>(
  read: (task: Task, body: Buffer) => Result,
  matrixOf: (result: Result) => Float32Array<ArrayBuffer>,
): void {
  function answer(task: Task): ReadResult<Result> {
    const body = join(task.blocks);
    try {
      return { result: read(task, body) };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, text, body: response, reason } = error;
      return { refused: { status, text, body: response, reason } };
    } finally {
      body.buffer.transfer(0);
    }
  }

  parentPort?.on("message", (task: Task) => {
    const message = answer(task);
    const bytes = "result" in message ? matrixOf(message.result) : message.refused.body;
    parentPort?.postMessage(message, typeof bytes === "string" ? [] : [bytes.buffer]);
  });
}
