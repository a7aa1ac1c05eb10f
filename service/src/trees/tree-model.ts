import type { Column } from "./column.ts";
import { ElementType, type OnnxGraph, type OnnxNode } from "./onnx-file.ts";
import { applyOperator, isTable, type Table, type Value } from "./operators.ts";
import { Unsupported } from "./unsupported.ts";

const elementOf: Readonly<Record<number, Table["element"]>> = {
  [ElementType.float]: "float",
  [ElementType.int32]: "integer",
  [ElementType.int64]: "integer",
  [ElementType.bool]: "integer",
  [ElementType.string]: "string",
};

const maxColumns = 10_000;

/** A model made of trees: how each column of its output is computed. */
export interface TreeModel {
  /** The inputs of the graph, in the order of the matrix. */
  readonly inputs: readonly TreeInput[];
  /** The name of the output. */
  readonly output: string;
  /** The columns of the output. */
  readonly columns: readonly Column[];
}

/** An input of the graph: consecutive columns of the matrix. */
interface TreeInput {
  readonly name: string;
  readonly columns: number;
}

/** How the matrix maps to the graph. */
export interface TreeModelOptions {
  /** The names of the inputs in the order of the matrix. The default is the graph's order. */
  readonly inputs?: readonly string[];
  /** The name of the output to predict. The default is the graph's last one. */
  readonly output?: string;
  /** The categories of each input of strings. Its column in the matrix contains their indices. */
  readonly categories?: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads a graph as a model made of trees. Nodes that the output does not need are ignored.
 *
 * @throws {Unsupported} if the graph is not such a model
 */
export function readTreeModel(graph: OnnxGraph, options: TreeModelOptions): TreeModel {
  const output = options.output ?? graph.outputs.at(-1) ?? "";
  if (!graph.outputs.includes(output)) throw new Unsupported(`the graph has no output ${output}`);
  const order = options.inputs ?? graph.inputs.map(({ name }) => name);
  if (order.length !== graph.inputs.length) {
    throw new Unsupported(`${order.length} of the ${graph.inputs.length} inputs are given`);
  }
  const values = new Map<string, Value>(graph.initializers);
  const inputs: TreeInput[] = [];
  let nextColumn = 0;
  for (const name of order) {
    const table = inputTable(graph, name, nextColumn, options.categories?.get(name) ?? []);
    values.set(name, table);
    inputs.push({ name, columns: table.columns.length });
    nextColumn += table.columns.length;
  }
  for (const node of nodesFor(output, graph.nodes)) {
    const results = applyOperator(
      node,
      node.inputs.map((name) => find(values, name)),
    );
    for (const [index, result] of results.entries()) {
      const name = node.outputs[index];
      if (name !== undefined && result !== undefined) values.set(name, result);
    }
  }
  const result = find(values, output);
  if (!isTable(result) || result.element !== "float" || result.rank === 3) {
    throw new Unsupported(`output ${output} is not a table of float32`);
  }
  return { inputs, output, columns: result.columns };
}

function inputTable(
  graph: OnnxGraph,
  name: string,
  firstColumn: number,
  categories: readonly string[],
): Table {
  const input = graph.inputs.find((candidate) => candidate.name === name);
  if (input === undefined) throw new Unsupported(`the graph has no input ${name}`);
  const element = elementOf[input.elementType];
  const [rows, width, ...others] = input.dimensions;
  if (element === undefined || rows !== undefined || width === undefined || others.length > 0) {
    throw new Unsupported(`input ${name} is not a table of float32, integers, booleans or strings`);
  }
  if (element === "string" && categories.length === 0) {
    throw new Unsupported(`the categories of input ${name} are not known`);
  }
  if (width > maxColumns) {
    throw new Unsupported(`input ${name} has ${width} columns; the limit is ${maxColumns}`);
  }
  const columns = Array.from({ length: width }, (_, index) => ({
    kind: "input" as const,
    index: firstColumn + index,
    categories,
  }));
  return { element, rank: 2, columns };
}

/** Lists the nodes that an output needs, in order. */
export function nodesFor(output: string, nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  const needed = new Set([output]);
  const isNeeded = ({ inputs, outputs }: OnnxNode) => {
    if (!outputs.some((name) => needed.has(name))) return false;
    for (const name of inputs) needed.add(name);
    return true;
  };
  return nodes.toReversed().filter(isNeeded).toReversed();
}

function find(values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new Unsupported(`the value ${name} is not compiled`);
  return value;
}
