import { createScanner } from "./scan.ts";
import type { Matrix, RecordSchema } from "./schema.ts";
import { createValidator } from "./validator.ts";

/**
 * Reads a body.
 *
 * @param maxRecords the maximum number of records in a list. The default is the reader's
 * @returns one row per record, in order
 * @throws {Refusal} if the body is invalid: 422 or 400, with the same response as FastAPI and
 *   pydantic v2
 */
type ReadRecords = (body: Buffer, maxRecords?: number) => Matrix;

/** Reads the bodies of prediction requests. */
export interface RecordReader {
  /** Reads one record. */
  readonly one: ReadRecords;
  /** Reads a list such as `{"records":[…]}`. */
  readonly many: ReadRecords;
}

/** Whether a body contains one record or a list of records. */
export type BodyShape = keyof RecordReader;

/**
 * Creates a reader of records. A fast scanner reads the bodies that most clients send. All other
 * bodies are read by a validator, which explains what is wrong with invalid ones.
 *
 * @param maxRecords the maximum number of records in a list
 */
export function createRecordReader(schema: RecordSchema, maxRecords: number): RecordReader {
  const scanner = createScanner(schema);
  const validator = createValidator(schema);
  return {
    one: (body) => scanner.one(body) ?? validator.one(body),
    many: (body, max = maxRecords) => scanner.many(body, max) ?? validator.many(body, max),
  };
}
