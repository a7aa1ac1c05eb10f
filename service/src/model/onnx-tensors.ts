import { type InferenceSession, Tensor } from "onnxruntime-node";
import type { CardFeature, ModelCard } from "./card.ts";
import type { Predictions } from "./engine.ts";
import { ModelError } from "./model-error.ts";

type ValueMetadata = InferenceSession.ValueMetadata;
type TensorMetadata = InferenceSession.TensorValueMetadata;
type Kind = "input" | "output";

/** Turns a matrix, rows × features, into what a session takes. */
export type Feed = (matrix: Float32Array, rows: number) => Record<string, Tensor>;

const isFixed = (size: number | string | undefined) => typeof size === "number" && size >= 0;

/** @throws {ModelError} saying what to change, for anything but a table of any number of rows */
function requireTable(kind: Kind, value: ValueMetadata): TensorMetadata {
  const { name } = value;
  if (!value.isTensor) {
    const hint = "for a classifier, export the model with zipmap=False";
    throw new ModelError(`${kind} ${name} is a sequence or a map, not a tensor: ${hint}`);
  }
  const { shape } = value;
  if (shape.length > 2 || (kind === "input" && shape.length === 1)) {
    const found = `${kind} ${name} has rank ${shape.length}`;
    throw new ModelError(`${found}; a table has rows and columns, so its shape is [N, k]`);
  }
  if (isFixed(shape[0])) {
    const found = `the first dimension of ${kind} ${name} is fixed to ${shape[0]}`;
    throw new ModelError(`${found}: export the model with a dynamic batch size`);
  }
  return value;
}

/** The largest double that fits into 64 bits. */
const maxInt64 = 2 ** 63 - 1024;

function toBigInts(cells: Float32Array): BigInt64Array {
  const integer = (cell: number) => BigInt(Math.max(-maxInt64, Math.min(maxInt64, cell)));
  return BigInt64Array.from(cells, integer);
}

const makers: Partial<
  Record<Tensor.Type, (cells: Float32Array, shape: number[], feature?: CardFeature) => Tensor>
> = {
  float32: (cells, shape) => new Tensor("float32", cells, shape),
  float64: (cells, shape) => new Tensor("float64", Float64Array.from(cells), shape),
  int64: (cells, shape) => new Tensor("int64", toBigInts(cells), shape),
  int32: (cells, shape) => new Tensor("int32", Int32Array.from(cells), shape),
  bool: (cells, shape) => new Tensor("bool", Uint8Array.from(cells), shape),
  string: (cells, shape, feature) => {
    const texts = feature?.type === "category" ? feature.categories : [];
    return new Tensor(
      "string",
      Array.from(cells, (cell) => texts[cell] ?? ""),
      shape,
    );
  },
};

/** What a feature of each type may be fed to. */
const accepts: Record<CardFeature["type"], readonly Tensor.Type[]> = {
  number: ["float32", "float64"],
  integer: ["float32", "float64", "int64", "int32"],
  boolean: ["float32", "float64", "int64", "int32", "bool"],
  category: ["float32", "float64", "int64", "int32", "string"],
};

/** @throws {ModelError} if the input cannot take the feature */
function makerFor(feature: CardFeature, { name, type }: TensorMetadata) {
  const make = makers[type];
  if (make === undefined || !accepts[feature.type].includes(type)) {
    const types = accepts[feature.type].join(", ");
    throw new ModelError(
      `input ${name} takes ${type}, and feature ${feature.name} is of type ${feature.type}, for which it can be ${types}`,
    );
  }
  return make;
}

/** One tensor of all features. */
function feedTable(input: TensorMetadata, features: readonly CardFeature[]): Feed {
  const columns = input.shape[1];
  if (isFixed(columns) && columns !== features.length) {
    throw new ModelError(
      `input ${input.name} has ${columns} columns, and the card has ${features.length} features`,
    );
  }
  const [make] = features.map((feature) => makerFor(feature, input));
  return (matrix, rows) => {
    const tensor = make?.(matrix, [rows, features.length], features[0]);
    return tensor ? { [input.name]: tensor } : {};
  };
}

/** One tensor for each feature. */
function feedColumns(inputs: readonly TensorMetadata[], features: readonly CardFeature[]): Feed {
  const inputOf = new Map(features.map((feature) => [feature.input ?? feature.name, feature]));
  const unmatched = inputs.filter(({ name }) => !inputOf.has(name)).map(({ name }) => name);
  if (unmatched.length > 0 || inputs.length !== features.length) {
    const names = [...inputOf.keys()].join(", ");
    throw new ModelError(
      `the model has ${inputs.length} inputs (${inputs.map(({ name }) => name).join(", ")}), and the card's features are for ${features.length} (${names}): give each feature the name of its input as "input"`,
    );
  }
  const columns = inputs.flatMap((input) => {
    const size = input.shape[1];
    if (isFixed(size) && size !== 1) {
      throw new ModelError(
        `input ${input.name} has ${size} columns; one of several inputs has one`,
      );
    }
    const feature = inputOf.get(input.name);
    if (feature === undefined) return [];
    const column = features.indexOf(feature);
    return [{ name: input.name, column, feature, make: makerFor(feature, input) }];
  });
  return (matrix, rows) =>
    Object.fromEntries(
      columns.map(({ name, column, feature, make }) => {
        const cells = new Float32Array(rows);
        for (let row = 0; row < rows; row++) {
          cells[row] = matrix[row * features.length + column] ?? 0;
        }
        return [name, make(cells, [rows, 1], feature)];
      }),
    );
}

/**
 * Matches the model's inputs with the card's features: one numeric tensor `[N, k]`, or one tensor
 * `[N, 1]` for each feature.
 *
 * @throws {ModelError} naming the input, and what to change
 */
export function feedFor(inputs: readonly ValueMetadata[], { features }: ModelCard): Feed {
  const tables = inputs.map((input) => requireTable("input", input));
  const [only] = tables;
  const isOneTable = tables.length === 1 && only !== undefined && only.type !== "string";
  return isOneTable ? feedTable(only, features) : feedColumns(tables, features);
}

/**
 * The output that the card names, or the last one.
 *
 * @throws {ModelError} naming the output, and what to change
 */
export function outputFor(outputs: readonly ValueMetadata[], { target }: ModelCard): string {
  const output =
    target.output === undefined
      ? outputs.at(-1)
      : outputs.find(({ name }) => name === target.output);
  if (output === undefined) {
    const names = outputs.map(({ name }) => name).join(", ");
    throw new ModelError(`the model has no output ${target.output ?? ""}; it has ${names}`);
  }
  return requireTable("output", output).name;
}

/** The numbers of an output tensor, row-major. */
export function predictionsOf(name: string, tensor: Tensor): Predictions {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  if (data instanceof BigInt64Array || data instanceof Int32Array) {
    return Float64Array.from(data as ArrayLike<number | bigint>, Number);
  }
  throw new ModelError(`output ${name} is of type ${tensor.type}; a prediction is a number`);
}
