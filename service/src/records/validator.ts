import { ascii } from "../json/bytes.ts";
import { eachItem, eachMember, valueEnd } from "../json/value.ts";
import { inputAt, missing, notAList, notAnObject, tooLong } from "../wire/faults.ts";
import { type Detail, invalid, type Location, maxDetails } from "../wire/refusal.ts";
import { featureReader } from "./feature-reader.ts";
import { startOfJson } from "./json-body.ts";
import { keyIdentity, Names, UnknownMembers } from "./members.ts";
import { type Matrix, type RecordSchema, toCell } from "./schema.ts";

/** The faults of a body, up to the maximum number in an error response. */
class Faults {
  readonly #details: Detail[] = [];

  get areFull(): boolean {
    return this.#details.length === maxDetails;
  }

  add(detail: Detail): void {
    if (!this.areFull) this.#details.push(detail);
  }

  addAll(details: Iterable<Detail>): void {
    for (const detail of details) {
      if (this.areFull) return;
      this.add(detail);
    }
  }

  clear(): void {
    this.#details.length = 0;
  }

  /** @throws {Refusal} 422 if there are any */
  refuse(): void {
    if (this.#details.length > 0) throw invalid(this.#details);
  }
}

/** The rows of a matrix whose number of rows is not known in advance. */
class Rows {
  readonly #columns: number;
  #cells: Matrix;
  #length = 0;

  constructor(columns: number) {
    this.#columns = columns;
    this.#cells = new Float32Array(columns);
  }

  /** Adds a row of zeros. */
  add(): void {
    this.#length += this.#columns;
    if (this.#length <= this.#cells.length) return;
    const longer = new Float32Array(2 * this.#cells.length);
    longer.set(this.#cells);
    this.#cells = longer;
  }

  /** Sets a cell of the latest row. */
  set(column: number, value: number): void {
    this.#cells[this.#length - this.#columns + column] = toCell(value);
  }

  toMatrix(): Matrix {
    return this.#cells.slice(0, this.#length);
  }
}

/** Reads any body, and explains what is wrong with invalid ones. */
export interface Validator {
  /**
   * @param body one record
   * @returns one row
   * @throws {Refusal} if the body is invalid: 422 or 400, with the same response as FastAPI and
   *   pydantic v2
   */
  readonly one: (body: Buffer) => Matrix;
  /**
   * The same for a list such as `{"records":[…]}`, with at most `maxRecords` records. Returns one
   * row per record.
   */
  readonly many: (body: Buffer, maxRecords: number) => Matrix;
}

/**
 * Creates a validator for a schema. It reads the bytes of a body without creating objects. So time
 * is proportional to the body's length, and memory is needed only for the matrix and the faults.
 */
export function createValidator({ record, features }: RecordSchema): Validator {
  const columns = features.map((feature) => ({ name: feature.name, read: featureReader(feature) }));
  const fields = new Names(features.map(({ name }) => name));
  const envelope = new Names([record.plural]);
  /** Where each value of the current record starts and ends; -1 if it is absent. */
  const starts = new Int32Array(features.length);
  const ends = new Int32Array(features.length);

  function readRecord(body: Buffer, at: number, loc: Location, rows: Rows, faults: Faults): number {
    if (body[at] !== ascii.openBrace) {
      faults.add(notAnObject(loc, inputAt(body, at)));
      return valueEnd(body, at);
    }
    starts.fill(-1);
    let unknown: UnknownMembers | undefined;
    let guess = 0;
    const end = eachMember(body, at, (key, keyEnd, value) => {
      const stop = valueEnd(body, value);
      let column = guess;
      if (!fields.isUsual(guess, body, key, keyEnd)) {
        const identity = keyIdentity(body, key, keyEnd);
        column = fields.indexOf(identity);
        if (column === -1) {
          unknown ??= new UnknownMembers(body);
          unknown.add(identity, key, keyEnd, value);
          return stop;
        }
      }
      starts[column] = value;
      ends[column] = stop;
      guess = column + 1;
      return stop;
    });

    rows.add();
    let whole: { readonly json: string | undefined } | undefined;
    for (const [column, { name, read }] of columns.entries()) {
      const start = starts[column] ?? -1;
      if (start === -1) {
        whole ??= { json: inputAt(body, at) };
        faults.add(missing([...loc, name], whole.json));
        continue;
      }
      const value = read(body, start, ends[column] ?? start);
      if (typeof value === "number") rows.set(column, value);
      else faults.add({ ...value, loc: [...loc, name], input: inputAt(body, start) });
    }
    if (unknown) faults.addAll(unknown.details(loc));
    return end;
  }

  function readRecords(body: Buffer, at: number, max: number, faults: Faults): Rows {
    const loc = ["body", record.plural];
    const rows = new Rows(features.length);
    let count = 0;
    eachItem(body, at, (item) => {
      const index = count++;
      if (count > max || faults.areFull) return valueEnd(body, item);
      return readRecord(body, item, [...loc, index], rows, faults);
    });
    if (count > max) {
      faults.clear();
      faults.add(tooLong(loc, max, count));
    }
    return rows;
  }

  return {
    one(body) {
      const rows = new Rows(features.length);
      const faults = new Faults();
      readRecord(body, startOfJson(body), ["body"], rows, faults);
      faults.refuse();
      return rows.toMatrix();
    },

    many(body, maxRecords) {
      const at = startOfJson(body);
      if (body[at] !== ascii.openBrace) {
        throw invalid([notAnObject(["body"], inputAt(body, at))]);
      }
      const unknown = new UnknownMembers(body);
      let list = -1;
      eachMember(body, at, (key, keyEnd, value) => {
        const identity = keyIdentity(body, key, keyEnd);
        if (envelope.indexOf(identity) === 0) list = value;
        else unknown.add(identity, key, keyEnd, value);
        return valueEnd(body, value);
      });
      const loc = ["body", record.plural];
      const faults = new Faults();
      let rows: Rows | undefined;
      if (list === -1) faults.add(missing(loc, inputAt(body, at)));
      else if (body[list] !== ascii.openBracket) faults.add(notAList(loc, inputAt(body, list)));
      else rows = readRecords(body, list, maxRecords, faults);
      faults.addAll(unknown.details(["body"]));
      faults.refuse();
      return rows?.toMatrix() ?? new Float32Array();
    },
  };
}
