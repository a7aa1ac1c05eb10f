import {
  type BinaryOperation,
  binary,
  type Column,
  constant,
  isEqualTo,
  replaceNaN,
  whereEqual,
} from "./column.ts";
import { ElementType, type OnnxNode, type OnnxTensor } from "./onnx-file.ts";
import { treeEnsembleClassifier, treeEnsembleRegressor } from "./tree-operators.ts";
import { Unsupported } from "./unsupported.ts";

/** A value of the graph: a table, or a constant. */
export type Value = Table | OnnxTensor;

/** A value with one row for each of the N rows of the input. */
export interface Table {
  /** Booleans are integers. A column of strings contains their indices. */
  readonly element: "float" | "integer" | "string";
  /** The shape is [N] for 1, [N, columns] for 2, and [N, 1, columns] for 3. */
  readonly rank: 1 | 2 | 3;
  readonly columns: readonly Column[];
}

/**
 * Applies an operator of the graph to columns.
 *
 * @returns the outputs in order. Those that are not compiled are `undefined`
 * @throws {Unsupported} if the operator, or this use of it, is not compiled
 */
export function applyOperator(
  node: OnnxNode,
  inputs: readonly Value[],
): readonly (Value | undefined)[] {
  const operator = operators.get(node.domain)?.get(node.operator);
  if (operator === undefined) throw new Unsupported(`operator ${node.operator} is not compiled`);
  try {
    return operator(node, inputs);
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    throw new Unsupported(`operator ${node.operator}: ${error.message}`);
  }
}

type Operator = (node: OnnxNode, inputs: readonly Value[]) => readonly (Value | undefined)[];

const onnxOperators: Readonly<Record<string, Operator>> = {
  Add: arithmetic("add"),
  Cast: (node, [table]) => [cast(node, asTable(table))],
  Concat: (node, inputs) => [concat(node, inputs.map(asTable))],
  Constant: (node) => [node.attributes.get("value")?.tensor],
  Div: arithmetic("divide"),
  Flatten: (node, [table]) => [flatten(node, asTable(table))],
  Gather: (node, [table, indices]) => [gather(node, asTable(table), asTensor(indices))],
  Identity: (_, inputs) => inputs,
  Mul: arithmetic("multiply"),
  Reshape: (_, [table, shape]) => [reshape(asTable(table), asTensor(shape).values)],
  Slice: (node, inputs) => [slice(node, inputs)],
  Squeeze: (node, inputs) => [squeeze(node, inputs)],
  Sub: arithmetic("subtract"),
  Sum: arithmetic("add"),
};

const mlOperators: Readonly<Record<string, Operator>> = {
  ArrayFeatureExtractor: (_, [table, indices]) => [pick(asTable(table), asTensor(indices).values)],
  Imputer: (node, [table]) => [impute(node, asTable(table))],
  OneHotEncoder: (node, [table]) => [oneHot(node, asTable(table))],
  Scaler: (node, [table]) => [scale(node, asTable(table))],
  TreeEnsembleClassifier: (node, [table]) => [
    undefined,
    floats(treeEnsembleClassifier(node, features(table))),
  ],
  TreeEnsembleRegressor: (node, [table]) => [floats(treeEnsembleRegressor(node, features(table)))],
};

const operators: ReadonlyMap<string, ReadonlyMap<string, Operator>> = new Map([
  ["", new Map(Object.entries(onnxOperators))],
  ["ai.onnx.ml", new Map(Object.entries(mlOperators))],
]);

function floats(columns: readonly Column[], rank: Table["rank"] = 2): Table {
  return { element: "float", rank, columns };
}

/** Whether a value is a table, not a constant. */
export function isTable(value: Value): value is Table {
  return "columns" in value;
}

function asTable(value: Value | undefined): Table {
  if (value === undefined || !isTable(value)) throw new Unsupported("an input is a constant");
  return value;
}

function asTensor(value: Value | undefined): OnnxTensor {
  if (value === undefined || isTable(value)) throw new Unsupported("an input is not a constant");
  return value;
}

/** The columns of a table of numbers [N, columns]. */
function features(value: Value | undefined): readonly Column[] {
  const { element, rank, columns } = asTable(value);
  if (element === "string" || rank !== 2) {
    throw new Unsupported("the input is not a table of numbers");
  }
  return columns;
}

/**
 * Combines operands column by column. A single column is combined with each column of the other.
 */
function arithmetic(operation: BinaryOperation): Operator {
  return (node, inputs) => {
    rejectRewritten(node, inputs);
    const [first] = inputs.filter(isTable);
    if (first === undefined) throw new Unsupported("all inputs are constants");
    const operands = inputs.map((input) => operandColumns(input, first.rank));
    const width = Math.max(...operands.map(({ length }) => length));
    const columns = Array.from({ length: width }, (_, index) =>
      operands
        .map((operand) => columnAt(operand, operand.length === 1 ? 0 : index))
        .reduce((left, right) => binary(operation, left, right)),
    );
    return [floats(columns, first.rank)];
  };
}

/**
 * Rejects what ONNX Runtime rewrites: it leaves out the addition of 0, which would turn -0 into 0,
 * and it turns 1 / x · y into y / x, which is rounded only once.
 */
function rejectRewritten({ operator }: OnnxNode, inputs: readonly Value[]): void {
  const isSingle = (value: Value | undefined, number: number) =>
    value !== undefined &&
    !isTable(value) &&
    value.values.length === 1 &&
    value.values[0] === number;
  if (operator === "Add" && inputs.some((input) => isSingle(input, 0))) {
    throw new Unsupported("it adds 0");
  }
  if (operator === "Div" && isSingle(inputs[0], 1)) throw new Unsupported("it divides 1");
}

function operandColumns(value: Value, rank: Table["rank"]): readonly Column[] {
  if (isTable(value)) {
    if (value.element !== "float" || value.rank !== rank || rank === 3) {
      throw new Unsupported("the inputs are not tables of float32 of one rank");
    }
    return value.columns;
  }
  const { elementType, dimensions, values } = value;
  const isOneRow = dimensions.length <= rank && dimensions.slice(0, -1).every((size) => size === 1);
  if (elementType !== ElementType.float || !isOneRow || (rank === 1 && values.length !== 1)) {
    throw new Unsupported("a constant is not a row of float32");
  }
  return values.map(constant);
}

function columnAt(columns: readonly Column[], index: number): Column {
  const column = columns.at(index);
  if (column === undefined) throw new Unsupported(`column ${index} of ${columns.length} is used`);
  return column;
}

function pick(table: Table, indices: readonly number[], rank: Table["rank"] = 2): Table {
  if (table.rank !== 2) throw new Unsupported("the input does not have rows and columns");
  return { ...table, rank, columns: indices.map((index) => columnAt(table.columns, index)) };
}

function isColumnAxis(axis: number): boolean {
  return axis === 1 || axis === -1;
}

function gather(node: OnnxNode, table: Table, indices: OnnxTensor): Table {
  if (!isColumnAxis(node.attributes.get("axis")?.int ?? 0) || indices.dimensions.length > 1) {
    throw new Unsupported("it does not gather columns");
  }
  return pick(table, indices.values, indices.dimensions.length === 0 ? 1 : 2);
}

function slice(node: OnnxNode, inputs: readonly Value[]): Table {
  const [data, ...tensors] = inputs;
  const table = asTable(data);
  const list = (name: string, index: number) =>
    node.attributes.get(name)?.ints ?? (tensors[index] && asTensor(tensors[index]).values);
  const [start, end] = [list("starts", 0), list("ends", 1)];
  const [axis, ...otherAxes] = list("axes", 2) ?? [];
  const [step = 1] = list("steps", 3) ?? [];
  if (axis === undefined || !isColumnAxis(axis) || otherAxes.length > 0 || step !== 1) {
    throw new Unsupported("it does not take a run of columns");
  }
  // As in Array.slice, negative numbers count from the end, and numbers beyond the ends are
  // allowed.
  return pick(table, [...table.columns.keys()].slice(start?.[0], end?.[0]));
}

function concat(node: OnnxNode, tables: readonly Table[]): Table {
  const [first] = tables;
  const isAlike = ({ element, rank }: Table) => element === first?.element && rank === 2;
  if (
    first === undefined ||
    !tables.every(isAlike) ||
    !isColumnAxis(node.attributes.get("axis")?.int ?? 0)
  ) {
    throw new Unsupported("it does not put tables of one type next to each other");
  }
  return { ...first, columns: tables.flatMap(({ columns }) => columns) };
}

function reshape(table: Table, shape: readonly number[]): Table {
  const width = table.columns.length;
  const [rows, columns, ...rest] = shape;
  const keepsRows = rows === -1 || rows === 0;
  if (keepsRows && columns === undefined && width === 1) return { ...table, rank: 1 };
  const keepsColumns = columns === width || (columns === -1 && rows === 0);
  if (keepsRows && keepsColumns && rest.length === 0) return { ...table, rank: 2 };
  throw new Unsupported(`[N, ${width}] becomes [${shape.join(", ")}]`);
}

function flatten(node: OnnxNode, table: Table): Table {
  const axis = node.attributes.get("axis")?.int ?? 1;
  if (axis !== 1) throw new Unsupported(`the axis is ${axis}`);
  return { ...table, rank: 2 };
}

function squeeze(node: OnnxNode, [data, tensor]: readonly Value[]): Table {
  const table = asTable(data);
  const axes = node.attributes.get("axes")?.ints ?? (tensor && asTensor(tensor).values) ?? [];
  if (axes.join() === "1" && table.rank === 3) return { ...table, rank: 2 };
  if (
    axes.length === 1 &&
    axes.every(isColumnAxis) &&
    table.rank === 2 &&
    table.columns.length === 1
  ) {
    return { ...table, rank: 1 };
  }
  throw new Unsupported(`the axes are [${axes.join(", ")}]`);
}

/** Casts whole numbers, which are the same float32 in every type. */
function cast(node: OnnxNode, table: Table): Table {
  const to = node.attributes.get("to")?.int;
  if (to === ElementType.float && table.element !== "string") return { ...table, element: "float" };
  const isInteger = to === ElementType.int64 || to === ElementType.int32;
  if (isInteger && table.element === "integer") return table;
  throw new Unsupported(`from ${table.element} to the element type ${to}`);
}

function scale(node: OnnxNode, table: Table): Table {
  const offset = perColumn(node, "offset", table);
  const factor = perColumn(node, "scale", table);
  return floats(
    features(table).map((column, index) =>
      binary(
        "multiply",
        binary("subtract", column, columnAt(offset, index)),
        columnAt(factor, index),
      ),
    ),
  );
}

function impute(node: OnnxNode, table: Table): Table {
  if (table.element !== "float") throw new Unsupported("the input is not a table of float32");
  const imputed = perColumn(node, "imputed_value_floats", table);
  const replaced = node.attributes.get("replaced_value_float")?.float ?? 0;
  return floats(
    features(table).map((column, index) => {
      const value = columnAt(imputed, index);
      return Number.isNaN(replaced)
        ? replaceNaN(column, value)
        : whereEqual(column, constant(replaced), value, column);
    }),
  );
}

/** Reads an attribute that has one number for each column, or one for all. */
function perColumn(node: OnnxNode, name: string, { columns }: Table): readonly Column[] {
  const values = node.attributes.get(name)?.floats ?? [];
  if (values.length !== 1 && values.length !== columns.length) {
    throw new Unsupported(`${name} has ${values.length} values for ${columns.length} columns`);
  }
  return columns.map((_, index) => constant(values[values.length === 1 ? 0 : index] ?? 0));
}

function oneHot(node: OnnxNode, table: Table): Table {
  const [column, ...others] = table.columns;
  if (column === undefined || others.length > 0 || table.rank !== 2) {
    throw new Unsupported("the input is not one column");
  }
  const values = table.element === "string" ? stringIndices(node, column) : integers(node, table);
  return floats(
    values.map((value) => isEqualTo(column, value)),
    3,
  );
}

/** The indices of the strings of an encoder in a column. It is -1 for strings that no row has. */
function stringIndices(node: OnnxNode, column: Column): readonly number[] {
  const encoded = node.attributes.get("cats_strings")?.texts ?? [];
  const categories = column.kind === "input" ? column.categories : [];
  const unknown = categories.find((category) => !encoded.includes(category));
  if (unknown !== undefined && failsOnUnknown(node)) {
    throw new Unsupported(`it fails on the category ${JSON.stringify(unknown)}`);
  }
  return encoded.map((category) => categories.indexOf(category));
}

function integers(node: OnnxNode, table: Table): readonly number[] {
  if (table.element !== "integer") throw new Unsupported("the input is not a column of integers");
  if (failsOnUnknown(node)) throw new Unsupported("it fails on an unknown integer");
  return node.attributes.get("cats_int64s")?.ints ?? [];
}

function failsOnUnknown(node: OnnxNode): boolean {
  return node.attributes.get("zeros")?.int === 0;
}
