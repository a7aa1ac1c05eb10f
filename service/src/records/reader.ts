import { createJudge } from "./judge.ts";
import { createScanner } from "./scan.ts";
import type { Matrix, RecordSchema } from "./schema.ts";

/** Reads the bodies of prediction requests. */
export interface RecordReader {
  /**
   * @param body one record
   * @returns one row
   * @throws {Refusal} 422 or 400, as FastAPI and pydantic v2 refuse it
   */
  readonly one: (body: Buffer) => Matrix;
  /** The same for `{"houses":[…]}`: a row for each record, in order. */
  readonly many: (body: Buffer) => Matrix;
}

/** Whether a body holds one record, or a list of them. */
export type BodyShape = keyof RecordReader;

/**
 * Makes the reader of a model's records: one that is fast, and one that explains what it declines.
 *
 * @param maxRecords in a list
 */
export function createRecordReader(schema: RecordSchema, maxRecords: number): RecordReader {
  const scanner = createScanner(schema);
  const judge = createJudge(schema);
  return {
    one: (body) => scanner.one(body) ?? judge.one(body),
    many: (body) => scanner.many(body, maxRecords) ?? judge.many(body, maxRecords),
  };
}
