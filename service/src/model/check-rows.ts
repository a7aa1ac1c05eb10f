import { type CardFeature, maxExactInteger } from "./card.ts";
import { randomNumbers } from "./random-numbers.ts";

/** Maps numbers to ordinals: the ordinal of the next number is one more. */
interface Scale {
  readonly ordinalOf: (value: number) => number;
  readonly numberOf: (ordinal: number) => number;
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);
const lowestBits = -(2 ** 31);

/** All float32 numbers. -0 comes before 0. */
const floats: Scale = {
  ordinalOf(value) {
    float[0] = value;
    const [all = 0] = bits;
    return all < 0 ? lowestBits - 1 - all : all;
  },
  numberOf(ordinal) {
    bits[0] = ordinal < 0 ? lowestBits - 1 - ordinal : ordinal;
    return float[0] ?? 0;
  },
};

const wholes: Scale = { ordinalOf: Math.round, numberOf: (ordinal) => ordinal };

const positiveFloats = [0, 2 ** -149, 2 ** -126, 1, 3.4028234663852886e38, Infinity];
const extremeFloats = [...positiveFloats, ...positiveFloats.map((value) => -value)];
const extremeIntegers = [-maxExactInteger, -1, 0, 1, maxExactInteger];

/** The values of a feature on which runners are compared. */
export interface Axis {
  readonly scale: Scale;
  /** The usual values according to the card, in ascending order. Random values lie in between. */
  readonly usual: readonly number[];
  /**
   * The smallest and largest allowed, usual and representable values, and the values next to them.
   */
  readonly edges: readonly number[];
}

function axisOf(feature: CardFeature): Axis {
  if (feature.type === "boolean") return { scale: wholes, usual: [0, 1], edges: [0, 1] };
  if (feature.type === "category") {
    const last = feature.categories.length - 1;
    return { scale: wholes, usual: [0, last], edges: [0, last] };
  }
  const { minimum, maximum, quantiles = {}, example, gt, ge, lt, le } = feature;
  const isInteger = feature.type === "integer";
  const scale = isInteger ? wholes : floats;
  const limit = isInteger ? maxExactInteger : Infinity;
  // Rounding to float32 can make a number equal to an exclusive bound.
  const step = isInteger ? 1 : 0;
  const lowest = scale.ordinalOf(Math.max(-limit, ge ?? -limit, (gt ?? -Infinity) + step));
  const highest = scale.ordinalOf(Math.min(limit, le ?? limit, (lt ?? Infinity) - step));
  const allowed = (ordinals: readonly number[]) =>
    ordinals.filter((each) => each >= lowest && each <= highest).map(scale.numberOf);

  const spread = 1 + Math.abs(example);
  const known = [minimum, ...Object.values(quantiles), maximum].filter(
    (each) => each !== undefined,
  );
  const range = known.length > 0 ? known : [example - spread, example + spread];
  const usual = [...range, example].map(scale.ordinalOf).sort((one, other) => one - other);
  const extremes = (isInteger ? extremeIntegers : extremeFloats).map(scale.ordinalOf);
  const edges = [...usual, ...extremes, lowest, highest];
  return {
    scale,
    usual: allowed(usual).filter(Number.isFinite),
    edges: allowed(edges.flatMap((each) => [each - 1, each, each + 1])),
  };
}

/** Draws rows on which runners are compared. */
export class CheckRows {
  readonly axes: readonly Axis[];
  readonly #random = randomNumbers();

  constructor(features: readonly CardFeature[]) {
    this.axes = features.map(axisOf);
  }

  /**
   * Draws random rows.
   *
   * @param edgeShare the share of values that are edges, from 0 to 1
   */
  draw(rows: number, edgeShare: number): Float32Array {
    const { length } = this.axes;
    const matrix = new Float32Array(rows * length);
    for (let at = 0; at < matrix.length; at++) {
      const axis = this.axes[at % length];
      if (axis) matrix[at] = this.#random() < edgeShare ? this.#edge(axis) : this.#usual(axis);
    }
    return matrix;
  }

  #edge({ edges }: Axis): number {
    return edges[Math.floor(this.#random() * edges.length)] ?? 0;
  }

  #usual({ usual, scale }: Axis): number {
    const place = this.#random() * (usual.length - 1);
    const index = Math.floor(place);
    const [low = 0, high = low] = usual.slice(index, index + 2);
    return scale.numberOf(scale.ordinalOf(low + (place - index) * (high - low)));
  }
}
