import { tooLarge } from "../wire/body.ts";
import { Refusal } from "../wire/refusal.ts";
import type { SentBody } from "../wire/sent-body.ts";
import { type BodyShape, createRecordReader } from "./reader.ts";
import { ReaderThread, ThreadExhaustedError } from "./reader-thread.ts";
import type { Matrix, RecordSchema } from "./schema.ts";

/** Reads bodies, large ones in another thread. */
export interface BodyReader {
  /**
   * Reads a body, and takes its bytes.
   *
   * @param signal aborted when nobody waits for the matrix any more
   * @returns the matrix itself for a small body
   * @throws {Refusal} as FastAPI and pydantic v2 refuse it; 413 if the thread has not enough memory
   */
  read(shape: BodyShape, body: SentBody, signal: AbortSignal): Matrix | Promise<Matrix>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/**
 * Makes the reader of a model's bodies. Its thread starts with the first large body.
 *
 * @param maxRecords in a list
 * @param maxHeapMiB of the thread
 */
export function createBodyReader(
  schema: RecordSchema,
  maxRecords: number,
  maxHeapMiB?: number,
): BodyReader {
  const reader = createRecordReader(schema, maxRecords);
  const thread = new ReaderThread({ schema, maxRecords }, maxHeapMiB);

  async function readInThread(
    shape: BodyShape,
    body: SentBody,
    signal: AbortSignal,
  ): Promise<Matrix> {
    try {
      const result = await thread.read({ shape, blocks: body.take() }, signal);
      if (result instanceof Float32Array) return result;
      throw new Refusal(result.status, result.body);
    } catch (error) {
      throw error instanceof ThreadExhaustedError ? tooLarge() : error;
    }
  }

  return {
    read(shape, body, signal) {
      if (!body.isSmall) return readInThread(shape, body, signal);
      return reader[shape](body.bytes());
    },
    close: () => thread.close(),
  };
}
