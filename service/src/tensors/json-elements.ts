import { ascii, skipSpace } from "../json/bytes.ts";
import { parseDecimal } from "../json/decimal.ts";
import { NumberReader } from "../json/number.ts";
import { stringContent } from "../json/string.ts";
import { eachItem, valueEnd } from "../json/value.ts";
import { type Refusal, refusal } from "../wire/refusal.ts";
import type { Cells } from "./cells.ts";
import type { Span } from "./cut-data.ts";
import type { MatchedInput } from "./match-inputs.ts";
import type { Datatype } from "./signature.ts";

/** Reads the element at `start` into a cell. Sets `end` to the index after it. */
type ElementReader = (start: number, row: number, column: number) => number;

function wrongCount({ name, rows, columns }: MatchedInput, found: string): Refusal {
  const shape = `[${rows}, ${columns.length}]`;
  return refusal(
    400,
    `input ${JSON.stringify(name)} has shape ${shape}, so it needs ${rows * columns.length} elements; data has ${found}`,
  );
}

function wrongNesting({ name, rows, columns }: MatchedInput): Refusal {
  return refusal(
    400,
    `the data of input ${JSON.stringify(name)} must be a flat list, or ${rows} lists of ${columns.length}`,
  );
}

/** Reads tensors that are written as JSON. */
export class JsonElements {
  readonly #cells: Cells;
  readonly #numbers = new NumberReader();
  /** The index after the latest element. */
  #end = 0;

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  /**
   * Checks that a list can have enough elements for its shape, before a matrix is created.
   *
   * @throws {Refusal} 400
   */
  requireRoom(input: MatchedInput, { start, end }: Span): void {
    // Each element needs a byte, and a comma or a bracket.
    const most = Math.floor((end - start - 1) / 2);
    if (input.rows * input.columns.length > most) throw wrongCount(input, `at most ${most}`);
  }

  /**
   * Reads a list of elements, or a list of rows.
   *
   * @param stride the number of columns of the matrix
   * @throws {Refusal} 400 that names the input, row and feature
   */
  read(json: Buffer, { start }: Span, input: MatchedInput, matrix: Float32Array, stride: number) {
    const { rows, columns } = input;
    const read = this.#readerOf(json, input.name, input.datatype);
    const width = columns.length;
    const total = rows * width;
    let count = 0;

    const readElement = (element: number): number => {
      if (count === total) throw wrongCount(input, "more");
      const row = Math.floor(count / width);
      const column = columns[count % width] ?? 0;
      count++;
      if (json[element] === ascii.openBracket) throw wrongNesting(input);
      matrix[row * stride + column] = read(element, row, column);
      return this.#end;
    };

    if (json[skipSpace(json, start + 1)] !== ascii.openBracket) {
      eachItem(json, start, readElement);
    } else {
      eachItem(json, start, (list) => {
        if (json[list] !== ascii.openBracket) throw wrongNesting(input);
        const before = count;
        const end = eachItem(json, list, readElement);
        if (count - before !== width) throw wrongNesting(input);
        return end;
      });
    }
    if (count < total) throw wrongCount(input, String(count));
  }

  #readerOf(json: Buffer, input: string, datatype: Datatype): ElementReader {
    const cells = this.#cells;
    const numbers = this.#numbers;

    const mustBe = (what: string, row: number, column: number) =>
      cells.fault({ input, row, column }, `must be ${what}`);

    switch (datatype) {
      case "BYTES":
        return (start, row, column) => {
          if (json[start] !== ascii.quote) throw mustBe("a string", row, column);
          this.#end = valueEnd(json, start);
          const cell = cells.ofText(stringContent(json, start, this.#end), column);
          if (Number.isNaN(cell)) throw cells.textFault({ input, row, column });
          return cell;
        };
      case "BOOL":
        return (start, row, column) => {
          this.#end = valueEnd(json, start);
          const word = json.toString("latin1", start, Math.min(this.#end, start + 5));
          if (word !== "true" && word !== "false") throw mustBe("true or false", row, column);
          return word === "true" ? 1 : 0;
        };
      default: {
        const isInteger = datatype === "INT64" || datatype === "INT32";
        return (start, row, column) => {
          let value = numbers.read(json, start);
          if (Number.isNaN(value)) throw mustBe("a number", row, column);
          this.#end = numbers.end;
          if (!numbers.isExact && (isInteger || cells.needsExact(value, column))) {
            value = parseDecimal(json, start, this.#end);
          }
          const cell = cells.ofNumber(value, column, isInteger);
          if (Number.isNaN(cell)) throw cells.numberFault(value, { input, row, column });
          return cell;
        };
      }
    }
  }
}
