import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { type ProgressStream, progressFor, withProgress } from "../progress.ts";

/** Progress is shown for larger files. */
const largeFileBytes = 8 * 1024 * 1024;
const rowsPerReport = 10_000;

/** Receives the cells of one column, from the first row to the last. */
export interface CellReader {
  /** @throws {Error} if the cell is invalid. The caller adds the line and column to the message */
  readonly add: (cell: string) => void;
}

/** Receives the cells of a table: one reader per column, or none for an unused column. */
export interface RowReader {
  readonly columns: readonly (CellReader | undefined)[];
}

/** The result of reading a table. */
export interface Table<Reader extends RowReader> {
  readonly reader: Reader;
  readonly rows: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

interface Line {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * Reads a CSV file in UTF-8, with comma-separated cells and column names in the first line. Shows
 * progress if the file is large.
 *
 * @param stream where progress is shown
 * @param open creates the reader for the given column names
 * @throws {Error} with the file, line and column of the fault
 */
export async function readTable<Reader extends RowReader>(
  file: string,
  stream: ProgressStream,
  open: (header: readonly string[]) => Reader,
): Promise<Table<Reader>> {
  const name = path.basename(file);
  const { size } = await stat(file);
  const digest = createHash("sha256");
  const parser = parse({ info: true, skip_empty_lines: true });
  // The parser passes on errors of the source.
  pipeline(decode(file, digest), parser, () => {});
  const lines: AsyncIterable<Line> = parser;

  return withProgress(progressFor(stream, size > largeFileBytes), "read", async (report) => {
    let header: readonly string[] = [];
    let reader: Reader | undefined;
    let rows = 0;
    try {
      for await (const { record, info } of lines) {
        if (reader === undefined) {
          header = checkHeader(record);
          reader = open(header);
          continue;
        }
        readRow(reader, record, (column) => `line ${info.lines}, column ${header[column]}`);
        rows++;
        if (rows % rowsPerReport === 0) report(parser.info.bytes / size, `${rows} rows`);
      }
    } catch (error) {
      throw new Error(`${name}: ${describe(error)}`, { cause: error });
    }
    if (reader === undefined || rows === 0) {
      throw new Error(`${name}: there are no rows after the line with the column names`);
    }
    return { reader, rows, sha256: digest.digest("hex") };
  });
}

async function* decode(file: string, digest: Hash): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of createReadStream(file)) {
    digest.update(chunk);
    yield decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}

function describe(error: unknown): string {
  if (error instanceof CsvError) return `this is not CSV: ${error.message}`;
  if (
    error instanceof TypeError &&
    "code" in error &&
    error.code === "ERR_ENCODING_INVALID_ENCODED_DATA"
  ) {
    return "this is not UTF-8 text; save the table as CSV in UTF-8";
  }
  return error instanceof Error ? error.message : String(error);
}

function checkHeader(names: readonly string[]): readonly string[] {
  const [first = ""] = names;
  const separator = [";", "\t"].find((candidate) => first.includes(candidate));
  if (names.length === 1 && separator !== undefined) {
    throw new Error(
      `the columns are separated by ${JSON.stringify(separator)}; save the table with commas`,
    );
  }
  const unnamed = names.indexOf("");
  if (unnamed !== -1) {
    throw new Error(
      `column ${unnamed + 1} has no name in the first line; if pandas wrote the table, use index=False`,
    );
  }
  const double = names.find((name, column) => names.indexOf(name) !== column);
  if (double !== undefined) throw new Error(`two columns have the name ${double}`);
  if (names.every((name) => Number.isFinite(Number(name)))) {
    throw new Error("the first line contains only numbers; it must contain the column names");
  }
  return names;
}

function readRow(
  { columns }: RowReader,
  cells: readonly string[],
  placeOf: (column: number) => string,
): void {
  for (const [column, cell] of cells.entries()) {
    try {
      columns[column]?.add(cell);
    } catch (error) {
      throw new Error(`${placeOf(column)}: ${describe(error)}`, { cause: error });
    }
  }
}
