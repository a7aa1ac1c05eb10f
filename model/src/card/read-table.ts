import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { type ProgressStream, progressFor, withProgress } from "../progress.ts";

/** Reading less takes no time. */
const LARGE_FILE_BYTES = 8 * 1024 * 1024;
const ROWS_PER_REPORT = 10_000;

/** Takes the cells of one column, from the first row to the last. */
export type CellReader = {
  /** @throws Error saying what is wrong with the cell; where it is, the table adds */
  readonly add: (cell: string) => void;
};

/** What takes a table's cells: a reader for each column; none where the column is of no use. */
export type RowReader = { readonly columns: readonly (CellReader | undefined)[] };

/** A table that has been read. */
export type Table<Reader extends RowReader> = {
  readonly reader: Reader;
  readonly rows: number;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
};

type Line = { readonly record: readonly string[]; readonly info: { readonly lines: number } };

/**
 * Reads a CSV file: UTF-8, commas between cells, names in the first line. Shows progress if the file is
 * large.
 *
 * @param stream - where progress is shown
 * @param open - makes what takes the cells, from the names of the columns
 * @throws Error naming the file, and the line and column of what is wrong
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
  // The parser passes on the errors of the source.
  pipeline(decode(file, digest), parser, () => {});
  const lines: AsyncIterable<Line> = parser;

  return withProgress(progressFor(stream, size > LARGE_FILE_BYTES), "read", async (report) => {
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
        rows += 1;
        if (rows % ROWS_PER_REPORT === 0) {
          report(parser.info.bytes / size, `${rows} rows`);
        }
      }
    } catch (error) {
      throw new Error(`${name}: ${describe(error)}`, { cause: error });
    }
    if (reader === undefined || rows === 0) {
      throw new Error(`${name}: there are no rows; the first line names the columns`);
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
  if (error instanceof CsvError) {
    return `this is not CSV: ${error.message}`;
  }
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
      `column ${unnamed + 1} has no name in the first line; pandas writes such a table unless it is given index=False`,
    );
  }
  const double = names.find((name, column) => names.indexOf(name) !== column);
  if (double !== undefined) {
    throw new Error(`two columns have the name ${double}`);
  }
  if (names.every((name) => Number.isFinite(Number(name)))) {
    throw new Error("the first line has numbers only; it must name the columns");
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
