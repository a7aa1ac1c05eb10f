import type { Client } from "../model/engine.ts";
import type { SentBody } from "../wire/sent-body.ts";
import { type BodyShape, createRecordReader } from "./reader.ts";
import { ReaderThread, type ReadTask } from "./reader-thread.ts";
import type { Matrix, RecordSchema } from "./schema.ts";

/** Reads request bodies. Large ones are read in another thread. */
export interface BodyReader {
  /**
   * Reads a body into a matrix. The body's bytes can't be used afterwards.
   *
   * @param client if its signal is aborted, a body that still waits for the thread is dropped
   * @param maxRecords the maximum number of records in a list. The default is the reader's
   * @returns the matrix, for a large body as a promise
   * @throws {Refusal} if the body is invalid, with the same response as FastAPI and pydantic v2;
   *   413 if the thread runs out of memory
   */
  read(
    shape: BodyShape,
    body: SentBody,
    client: Client,
    maxRecords?: number,
  ): Matrix | Promise<Matrix>;
  /** Stops the thread. */
  close(): Promise<void>;
}

/** The settings of the thread. */
export interface RecordsSettings {
  readonly schema: RecordSchema;
  readonly maxRecords: number;
}

/** A body for the thread. */
export interface RecordsTask extends ReadTask {
  readonly shape: BodyShape;
  readonly maxRecords: number;
}

/**
 * Creates a reader of request bodies. Its thread starts with the first large body.
 *
 * @param maxRecords the maximum number of records in a list
 * @param maxHeapMiB the maximum heap size of the thread
 */
export function createBodyReader(
  schema: RecordSchema,
  maxRecords: number,
  maxHeapMiB?: number,
): BodyReader {
  const reader = createRecordReader(schema, maxRecords);
  const settings: RecordsSettings = { schema, maxRecords };
  const program = new URL("./reader-worker.ts", import.meta.url);
  const thread = new ReaderThread<RecordsTask, Matrix>(program, settings, maxHeapMiB);

  return {
    read: (shape, body, client, max = maxRecords) =>
      body.isSmall
        ? reader[shape](body.bytes(), max)
        : thread.read({ shape, maxRecords: max, blocks: body.take() }, client.signal),
    close: () => thread.close(),
  };
}
