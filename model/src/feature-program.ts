import type { Columns } from "./columns.ts";
import { treeValue } from "./ensemble.ts";
import type { LocationTable } from "./neighbourhoods.ts";

/**
 * One step of a feature program. Its result gets a name, so that later steps can use it. Operations
 * other than `Lookup` work like the ONNX operators of the same name. A value is a table with one row per house.
 */
export type Operation =
  | {
      readonly op: "Gather";
      readonly output: string;
      readonly input: string;
      /** Columns of the input to copy, in the order of the output. */
      readonly columns: readonly number[];
    }
  | {
      readonly op: "Add" | "Mul" | "Div";
      readonly output: string;
      /** If one side is a single column, it is combined with each column of the other side. */
      readonly left: string;
      readonly right: string;
    }
  | {
      /** Finds the cell of each row. In ONNX, this is a tree whose leaves have several weights. */
      readonly op: "Lookup";
      readonly output: string;
      readonly input: string;
      readonly table: LocationTable;
    }
  | { readonly op: "Concat"; readonly output: string; readonly inputs: readonly string[] };

/** A program without branches that computes columns from columns, element by element in float32. */
export interface FeatureProgram {
  readonly input: string;
  /** Named rows of literals, which operations can use. */
  readonly constants: Readonly<Record<string, readonly number[]>>;
  readonly operations: readonly Operation[];
}

type Arithmetic = (left: number, right: number) => number;

const operators: Readonly<Record<"Add" | "Mul" | "Div", Arithmetic>> = {
  Add: (left, right) => left + right,
  Mul: (left, right) => left * right,
  Div: (left, right) => left / right,
};

/**
 * Runs a feature program, and returns the result of its last operation. The result of each
 * operation is rounded to float32, which gives the same bits as float32 arithmetic, and so the same
 * bits as the exported graph.
 *
 * @throws {Error} if an operation uses a value that no earlier operation computed
 */
export function runFeatureProgram(program: FeatureProgram, input: Columns): Columns {
  const rows = input[0]?.length ?? 0;
  const values = new Map<string, Columns>([[program.input, input]]);
  for (const [name, row] of Object.entries(program.constants)) {
    values.set(
      name,
      row.map((literal) => new Float32Array(rows).fill(literal)),
    );
  }
  let result: Columns = input;
  for (const operation of program.operations) {
    result = apply(operation, (name) => lookUp(values, name));
    values.set(operation.output, result);
  }
  return result;
}

function apply(operation: Operation, value: (name: string) => Columns): Columns {
  switch (operation.op) {
    case "Gather": {
      const input = value(operation.input);
      return operation.columns.map((column) => columnAt(input, column));
    }
    case "Lookup": {
      const { tree, values } = operation.table;
      const input = value(operation.input);
      const cells = Int32Array.from(columnAt(input, 0).keys(), (row) =>
        treeValue(tree, input, row),
      );
      return values.map((each) => Float32Array.from(cells, (cell) => each[cell] ?? Number.NaN));
    }
    case "Concat":
      return operation.inputs.flatMap((name) => value(name));
    default:
      return broadcast(operators[operation.op], value(operation.left), value(operation.right));
  }
}

function broadcast(arithmetic: Arithmetic, left: Columns, right: Columns): Columns {
  const width = Math.max(left.length, right.length);
  return Array.from({ length: width }, (_, column) => {
    const leftColumn = columnAt(left, left.length === 1 ? 0 : column);
    const rightColumn = columnAt(right, right.length === 1 ? 0 : column);
    return leftColumn.map((value, row) => arithmetic(value, rightColumn[row] ?? 0));
  });
}

function columnAt(columns: Columns, index: number): Float32Array {
  const column = columns[index];
  if (column === undefined) {
    throw new Error(`feature program uses column ${index} of ${columns.length}`);
  }
  return column;
}

function lookUp(values: ReadonlyMap<string, Columns>, name: string): Columns {
  const value = values.get(name);
  if (value === undefined) throw new Error(`feature program uses ${name} before it is computed`);
  return value;
}
