import { type InferenceSession, Tensor } from "onnxruntime-node";
import type { CardFeature } from "./card.ts";
import type { Predictions } from "./engine.ts";
import { ModelError } from "./model-error.ts";

type ValueMetadata = InferenceSession.ValueMetadata;
type TensorMetadata = InferenceSession.TensorValueMetadata;

/** Converts a matrix, rows × features, to the inputs of a session. */
export type Feed = (matrix: Float32Array, rows: number) => Record<string, Tensor>;

/** The largest double that fits into 64 bits. */
const maxInt64 = 2 ** 63 - 1024;
const maxInt32 = 2 ** 31 - 1;

const clamp = (cell: number, max: number) => Math.max(-max, Math.min(max, cell));

/** Creates a tensor from cells. Only strings depend on the feature. */
type Maker = (cells: Float32Array, shape: number[], feature: CardFeature) => Tensor;

const makers = {
  float32: (cells, shape) => new Tensor("float32", cells, shape),
  float64: (cells, shape) => new Tensor("float64", Float64Array.from(cells), shape),
  int64: (cells, shape) =>
    new Tensor(
      "int64",
      BigInt64Array.from(cells, (cell) => BigInt(clamp(cell, maxInt64))),
      shape,
    ),
  int32: (cells, shape) =>
    new Tensor(
      "int32",
      Int32Array.from(cells, (cell) => clamp(cell, maxInt32)),
      shape,
    ),
  bool: (cells, shape) => new Tensor("bool", Uint8Array.from(cells), shape),
  string: (cells, shape, feature) => {
    const texts = feature.type === "category" ? feature.categories : [];
    return new Tensor(
      "string",
      Array.from(cells, (cell) => texts[cell] ?? ""),
      shape,
    );
  },
} satisfies Partial<Record<Tensor.Type, Maker>>;

/** The element types that an input can have. */
type ElementType = keyof typeof makers;

const elementTypes = Object.keys(makers);

function isElementType(type: Tensor.Type): type is ElementType {
  return elementTypes.includes(type);
}

/** The element types of inputs that can take a feature, by the feature's type. */
const accepts: Readonly<Record<CardFeature["type"], readonly ElementType[]>> = {
  number: ["float32", "float64"],
  integer: ["float32", "float64", "int64", "int32"],
  boolean: ["float32", "float64", "int64", "int32", "bool"],
  category: ["float32", "float64", "int64", "int32", "string"],
};

/** An input of a model with any number of rows. */
export interface TableInput {
  readonly name: string;
  readonly type: ElementType;
  /** Undefined if the model does not specify it. */
  readonly columns: number | undefined;
}

/** The inputs of a model: one tensor with all features, or one tensor per feature. */
export type Inputs =
  | { readonly kind: "table"; readonly table: TableInput }
  | { readonly kind: "columns"; readonly columns: readonly TableInput[] };

/** Returns the size of a dimension; undefined if it varies. */
function fixedSize(size: number | string | undefined): number | undefined {
  return typeof size === "number" && size >= 0 ? size : undefined;
}

/**
 * Requires a tensor with any number of rows.
 *
 * @throws {ModelError} with what to change, for anything else
 */
function requireRows(kind: "input" | "output", value: ValueMetadata): TensorMetadata {
  const label = `${kind} ${value.name}`;
  if (!value.isTensor) {
    const hint = kind === "output" ? ": export a classifier with zipmap=False" : "";
    throw new ModelError(`${label} is a sequence or a map, not a tensor${hint}`);
  }
  const rank = value.shape.length;
  if (rank > 2) {
    throw new ModelError(
      `${label} has rank ${rank}; a table has rows and columns, so its shape is [N, k]`,
    );
  }
  const rows = fixedSize(value.shape[0]);
  if (rows !== undefined) {
    throw new ModelError(
      `the first dimension of ${label} is fixed to ${rows}: export the model with a dynamic batch size`,
    );
  }
  return value;
}

function tableInput(value: ValueMetadata): TableInput {
  const { name, type, shape } = requireRows("input", value);
  if (shape.length === 1) {
    throw new ModelError(
      `input ${name} has rank 1; a table has rows and columns, so its shape is [N, k]`,
    );
  }
  if (!isElementType(type)) {
    throw new ModelError(`input ${name} takes ${type}; it can take ${elementTypes.join(", ")}`);
  }
  return { name, type, columns: fixedSize(shape[1]) };
}

/**
 * Returns the inputs of a model, based on their metadata.
 *
 * @throws {ModelError} with the name of an unsupported input, and what to change
 */
export function inputsOf(metadata: readonly ValueMetadata[]): Inputs {
  const inputs = metadata.map(tableInput);
  const [only] = inputs;
  if (only === undefined) throw new ModelError("the model has no inputs");
  if (inputs.length === 1 && only.type !== "string") return { kind: "table", table: only };
  for (const { name, type, columns = 1 } of inputs) {
    if (columns === 1) continue;
    const found = `input ${name} has ${columns} columns`;
    const reason = inputs.length === 1 ? `and takes ${type}` : "and is not the only one";
    throw new ModelError(
      `${found} ${reason}: export the model with one input for each feature, of shape [N, 1]`,
    );
  }
  return { kind: "columns", columns: inputs };
}

/** @throws {ModelError} if the input cannot take the feature */
function makerFor(feature: CardFeature, { name, type }: TableInput): Maker {
  if (accepts[feature.type].includes(type)) return makers[type];
  const types = Object.entries(accepts).flatMap(([each, fits]) =>
    fits.includes(type) ? each : [],
  );
  throw new ModelError(
    `feature ${JSON.stringify(feature.name)} is of type ${feature.type}, and input ${name} takes ${type}: its type can be ${types.join(", ")}`,
  );
}

/** @throws {ModelError} if a feature names an input that the model does not have */
function requireInputs(features: readonly CardFeature[], names: readonly string[]): void {
  for (const { name, input } of features) {
    if (input === undefined || names.includes(input)) continue;
    throw new ModelError(
      `feature ${JSON.stringify(name)} is for input ${input}, but the model's inputs are ${names.join(", ")}`,
    );
  }
}

function feedTable(table: TableInput, features: readonly CardFeature[]): Feed {
  requireInputs(features, [table.name]);
  if (table.columns !== undefined && table.columns !== features.length) {
    throw new ModelError(
      `input ${table.name} has ${table.columns} columns, and the card has ${features.length} features`,
    );
  }
  const [first] = features.map((feature) => ({ feature, make: makerFor(feature, table) }));
  return (matrix, rows) =>
    first ? { [table.name]: first.make(matrix, [rows, features.length], first.feature) } : {};
}

/** Returns the name of the input that takes a feature alone. */
export const inputNameOf = ({ name, input = name }: CardFeature) => input;

/** The names of a model's inputs in the order of the matrix. */
export function inputOrder(inputs: Inputs, features: readonly CardFeature[]): readonly string[] {
  return inputs.kind === "table" ? [inputs.table.name] : features.map(inputNameOf);
}

function feedColumns(inputs: readonly TableInput[], features: readonly CardFeature[]): Feed {
  requireInputs(
    features,
    inputs.map(({ name }) => name),
  );
  const fed = inputs.map((input) => {
    const matches = features.filter((feature) => inputNameOf(feature) === input.name);
    const [feature] = matches;
    if (feature === undefined || matches.length > 1) {
      const found = matches.map(({ name }) => JSON.stringify(name)).join(", ") || "no feature";
      throw new ModelError(
        `the card has ${found} for input ${input.name}: give one feature the name of the input as "input"`,
      );
    }
    const column = features.indexOf(feature);
    return { name: input.name, column, feature, make: makerFor(feature, input) };
  });
  const unused = features.find((feature) => !fed.some((each) => each.feature === feature));
  if (unused) {
    throw new ModelError(
      `the model has no input for feature ${JSON.stringify(unused.name)}; its inputs are ${inputs.map(({ name }) => name).join(", ")}`,
    );
  }
  return (matrix, rows) =>
    Object.fromEntries(
      fed.map(({ name, column, feature, make }) => {
        const cells = new Float32Array(rows);
        for (let row = 0; row < rows; row++) {
          cells[row] = matrix[row * features.length + column] ?? 0;
        }
        return [name, make(cells, [rows, 1], feature)];
      }),
    );
}

/**
 * Matches a model's inputs with the card's features.
 *
 * @returns a function that converts matrices for the model
 * @throws {ModelError} with the name of the input or feature that does not match, and what to
 *   change
 */
export function feedFor(inputs: Inputs, features: readonly CardFeature[]): Feed {
  return inputs.kind === "table"
    ? feedTable(inputs.table, features)
    : feedColumns(inputs.columns, features);
}

/**
 * Returns the output to serve.
 *
 * @param name the output that the card names. By default, the last output
 * @throws {ModelError} with the name of an unsupported output, and what to change
 */
export function outputFor(
  outputs: readonly ValueMetadata[],
  name: string | undefined,
): TensorMetadata {
  const output =
    name === undefined ? outputs.at(-1) : outputs.find((candidate) => candidate.name === name);
  if (output === undefined) {
    const names = outputs.map((each) => each.name).join(", ");
    throw new ModelError(`the model has no output ${name ?? ""}; it has ${names}`);
  }
  return requireRows("output", output);
}

/**
 * Returns the numbers of an output tensor, row-major. Doubles are rounded to float32, since they
 * are computed from float32 values.
 *
 * @throws {ModelError} if the elements are not numbers
 */
export function predictionsOf(name: string, { data, type }: Tensor): Predictions {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (data instanceof BigInt64Array) return Float64Array.from(data, Number);
  if (data instanceof Int32Array) return Float64Array.from(data);
  throw new ModelError(
    `output ${name} is of type ${type}, not a number: name another output as target.output in the card`,
  );
}
