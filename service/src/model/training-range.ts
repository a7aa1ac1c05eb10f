import type { CardFeature } from "./card.ts";

/** The smallest and the largest value of a feature in the training rows, as float32. */
export interface Range {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * Returns the range of a feature's values in the matrix. Unknown ends are infinite, and every
 * category and every boolean is in the range.
 */
export function rangeOf(feature: CardFeature): Range {
  const isNumeric = feature.type === "number" || feature.type === "integer";
  const { minimum = -Infinity, maximum = Infinity } = isNumeric ? feature : {};
  return { minimum: Math.fround(minimum), maximum: Math.fround(maximum) };
}

/** A longer list of names would be too long for the headers that clients accept. */
const maxLength = 1000;

/** The range of all features. */
export class TrainingRange {
  readonly #minima: Float32Array;
  readonly #maxima: Float32Array;
  readonly #names: readonly string[];

  constructor(features: readonly CardFeature[]) {
    const ranges = features.map(rangeOf);
    this.#minima = Float32Array.from(ranges, ({ minimum }) => minimum);
    this.#maxima = Float32Array.from(ranges, ({ maximum }) => maximum);
    this.#names = features.map(({ name }) => encodeURIComponent(name));
  }

  /**
   * Lists the features with a value outside the range.
   *
   * @param matrix rows × features, row-major
   * @returns their names as in a URL, in the card's order, separated by commas; undefined if there
   *   are none. If they are longer than 1,000 characters, `...` replaces the last ones
   */
  outside(matrix: Float32Array): string | undefined {
    const minima = this.#minima;
    const maxima = this.#maxima;
    const columns = minima.length;
    let isOutside: Uint8Array | undefined;
    for (let row = 0; row < matrix.length; row += columns) {
      for (let column = 0; column < columns; column++) {
        const value = matrix[row + column] ?? 0;
        if (value < (minima[column] ?? 0) || value > (maxima[column] ?? 0)) {
          isOutside ??= new Uint8Array(columns);
          isOutside[column] = 1;
        }
      }
    }
    return isOutside && this.#list(isOutside);
  }

  #list(isOutside: Uint8Array): string {
    const names = this.#names.filter((_, column) => isOutside[column] === 1);
    let list = "";
    for (const name of names) {
      const longer = list === "" ? name : `${list}, ${name}`;
      if (longer.length > maxLength) return list === "" ? "..." : `${list}, ...`;
      list = longer;
    }
    return list;
  }
}
