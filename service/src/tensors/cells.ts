import { featureReader } from "../records/feature-reader.ts";
import { openInterval } from "../records/scan.ts";
import { type Feature, toCell } from "../records/schema.ts";
import { type Refusal, refusal } from "../wire/refusal.ts";

/** The place of an element: its input, its row counted from 0, and its matrix column. */
export interface Place {
  readonly input: string;
  readonly row: number;
  readonly column: number;
}

/** The values that the model takes as numbers, as an open interval. */
function intervalOf(feature: Feature): { readonly above: number; readonly below: number } {
  if (feature.type === "boolean") return { above: -1, below: 2 };
  if (feature.type === "category") return { above: -1, below: feature.categories?.length ?? 0 };
  return openInterval(feature);
}

/** Checks elements of tensors against the features of a model, and turns them into matrix cells. */
export class Cells {
  readonly #features: readonly Feature[];
  readonly #above: Float64Array;
  readonly #below: Float64Array;
  /** 1 for features whose values are integers. */
  readonly #isWhole: Uint8Array;
  /** The index of each category, by its UTF-8 bytes as latin1. */
  readonly #categories: readonly ReadonlyMap<string, number>[];

  constructor(features: readonly Feature[]) {
    const intervals = features.map(intervalOf);
    this.#features = features;
    this.#above = Float64Array.from(intervals, ({ above }) => above);
    this.#below = Float64Array.from(intervals, ({ below }) => below);
    this.#isWhole = Uint8Array.from(features, ({ type }) => (type === "number" ? 0 : 1));
    this.#categories = features.map(
      ({ categories = [] }) =>
        new Map(categories.map((text, index) => [Buffer.from(text).toString("latin1"), index])),
    );
  }

  /**
   * Returns the cell for a number; `NaN` if the feature does not allow it.
   *
   * @param isInteger whether the tensor's type has only integers, which must be exact in float32
   */
  ofNumber(value: number, column: number, isInteger: boolean): number {
    const cell = toCell(value);
    const isWithin = value > (this.#above[column] ?? 0) && value < (this.#below[column] ?? 0);
    if (!isWithin || cell === Infinity || cell === -Infinity) return Number.NaN;
    if (!isInteger && this.#isWhole[column] === 0) return cell;
    return Number.isSafeInteger(value) && cell === value ? cell : Number.NaN;
  }

  /**
   * Whether the exact number has to be known to check it.
   *
   * @param value the nearest float32
   */
  needsExact(value: number, column: number): boolean {
    return (
      this.#isWhole[column] === 1 ||
      value === Math.fround(this.#above[column] ?? 0) ||
      value === Math.fround(this.#below[column] ?? 0)
    );
  }

  /** Returns the cell for a string in UTF-8; `NaN` if it is not a category of the feature. */
  ofText(text: Uint8Array, column: number): number {
    const { buffer, byteOffset, byteLength } = text;
    const key = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
    return this.#categories[column]?.get(key) ?? Number.NaN;
  }

  /** Says why {@link ofNumber} returns `NaN`. */
  numberFault(value: number, place: Place): Refusal {
    const feature = this.#features[place.column];
    if (!Number.isFinite(Math.fround(value)))
      return this.fault(place, "must be a finite FP32 number");
    if (feature?.type === "category") {
      const last = (feature.categories?.length ?? 0) - 1;
      return this.fault(place, `must be the index of a category, from 0 to ${last}`, String(value));
    }
    const message = this.#explain(String(value), place.column);
    return this.fault(place, message ?? "must be exact in float32", String(value));
  }

  /** Says why {@link ofText} returns `NaN`. */
  textFault(place: Place): Refusal {
    return this.fault(place, this.#explain("null", place.column) ?? "must be a category");
  }

  /** Creates the response to an invalid element. */
  fault({ input, row, column }: Place, message: string, found?: string): Refusal {
    const names = `input ${JSON.stringify(input)}, row ${row}, feature ${JSON.stringify(this.#features[column]?.name)}`;
    return refusal(400, `${names}: ${message}${found === undefined ? "" : `, found ${found}`}`);
  }

  /** The message for a value of a JSON body, as in a 422 response; undefined if it is valid. */
  #explain(json: string, column: number): string | undefined {
    const feature = this.#features[column];
    if (feature === undefined) return undefined;
    const value = featureReader(feature)(Buffer.from(json), 0, json.length);
    return typeof value === "number" ? undefined : value.msg;
  }
}
