import type { Client } from "../model/engine.ts";
import { ReaderThread, type ReadTask } from "../records/reader-thread.ts";
import type { SentBody } from "../wire/sent-body.ts";
import { createInferenceReader, type InferenceRequest } from "./inference-reader.ts";
import type { TensorSchema } from "./match-inputs.ts";

/** Reads the bodies of inference requests. Large ones are read in another thread. */
export interface TensorReader {
  /**
   * Reads a body. Its bytes can't be used afterwards.
   *
   * @param headerBytes the length of the JSON, which binary tensors follow; undefined if the whole
   *   body is JSON
   * @param client if its signal is aborted, a body that still waits for the thread is dropped
   * @returns the request, for a large body as a promise
   * @throws {Refusal} 400 if the body is invalid; 413 if the thread runs out of memory
   */
  read(
    body: SentBody,
    headerBytes: number | undefined,
    client: Client,
  ): InferenceRequest | Promise<InferenceRequest>;
  /** Stops the thread. */
  close(): Promise<void>;
}

/** The settings of the thread. */
export interface TensorsSettings {
  readonly schema: TensorSchema;
  readonly maxRows: number;
}

/** A body for the thread. */
export interface TensorsTask extends ReadTask {
  readonly headerBytes: number | undefined;
}

/**
 * Creates a reader of inference requests. Its thread starts with the first large body.
 *
 * @param maxRows the maximum number of rows
 */
export function createTensorReader(schema: TensorSchema, maxRows: number): TensorReader {
  const read = createInferenceReader(schema, maxRows);
  const settings: TensorsSettings = { schema, maxRows };
  const program = new URL("./tensor-worker.ts", import.meta.url);
  const thread = new ReaderThread<TensorsTask, InferenceRequest>(program, settings);

  return {
    read: (body, headerBytes, client) =>
      body.isSmall
        ? read(body.bytes(), headerBytes)
        : thread.read({ headerBytes, blocks: body.take() }, client.signal),
    close: () => thread.close(),
  };
}
