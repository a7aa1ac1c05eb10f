import fc from "fast-check";
import {
  ensembleNode,
  modes,
  type TestBranch,
  type TestEnsemble,
  type TestTree,
  tree,
} from "../trees/ensembles.ts";
import { type Constant, type Node, onnxFile } from "../trees/onnx-writer.ts";

/** A column that trees test. */
export interface TestColumn {
  /** Computes it from a row, and from the columns before it. */
  readonly of: (row: Float32Array, previous: readonly number[]) => number;
  /** The features that it is computed from. */
  readonly features: readonly number[];
}

/** Returns a column for each feature. */
export const raw = (count: number): readonly TestColumn[] =>
  Array.from({ length: count }, (_, feature) => ({
    of: (row) => row[feature] ?? 0,
    features: [feature],
  }));

/** Computes the columns of a row, in float32. */
export function valuesOf(columns: readonly TestColumn[], row: Float32Array): readonly number[] {
  const values: number[] = [];
  for (const column of columns) values.push(Math.fround(column.of(row, values)));
  return values;
}

/** Whether a row meets the condition of a branch. */
export function isMet(
  { mode, value, nanIsTrue, feature }: TestBranch,
  columns: readonly number[],
): boolean {
  const cell = columns[feature] ?? 0;
  if (Number.isNaN(cell)) return nanIsTrue || mode === "BRANCH_NEQ";
  switch (mode) {
    case "BRANCH_LEQ":
      return cell <= value;
    case "BRANCH_LT":
      return cell < value;
    case "BRANCH_GT":
      return cell > value;
    case "BRANCH_GTE":
      return cell >= value;
    case "BRANCH_EQ":
      return cell === value;
    default:
      return cell !== value;
  }
}

const operations = {
  Add: (left: number, right: number) => left + right,
  Sub: (left: number, right: number) => left - right,
  Mul: (left: number, right: number) => left * right,
  Div: (left: number, right: number) => left / right,
};

/** An operation on a column, and on another column or a constant. */
interface Operation {
  readonly operator: keyof typeof operations;
  readonly left: number;
  readonly right: number | { readonly constant: number };
}

/**
 * How a graph computes more columns from those before them: by an operation, or by trees, which
 * look numbers up. The index of a column is taken modulo their number.
 */
export type Step = Operation | { readonly lookup: TestEnsemble };

/** Lets a tree test only the first columns. */
export function limitColumns(node: TestTree, columns: number): TestTree {
  if ("weights" in node) return node;
  return {
    ...node,
    feature: node.feature % columns,
    whenTrue: limitColumns(node.whenTrue, columns),
    whenFalse: limitColumns(node.whenFalse, columns),
  };
}

/** Lists the columns that a tree tests. */
function testedBy(node: TestTree): readonly number[] {
  if ("weights" in node) return [];
  return [node.feature, ...testedBy(node.whenTrue), ...testedBy(node.whenFalse)];
}

/** What an ensemble returns for a target, in float32. */
function scoreOf({ trees, aggregate }: TestEnsemble, target: number, columns: readonly number[]) {
  const weights = trees.map((root) => {
    let node = root;
    while (!("weights" in node)) node = isMet(node, columns) ? node.whenTrue : node.whenFalse;
    return node.weights[target] ?? 0;
  });
  // The base value is 0, so that no score is -0.
  if (aggregate === "MIN") return Math.min(...weights) + 0;
  if (aggregate === "MAX") return Math.max(...weights) + 0;
  return weights.reduce((score, weight) => Math.fround(score + weight), 0);
}

const union = (...sets: readonly (readonly number[])[]) =>
  [...new Set(sets.flat())].sort((one, other) => one - other);

const alongColumns = { axis: { int: 1 } };

/** A graph with columns that are derived from its features. */
export class DerivedColumns {
  /** Those of the features, and then the derived ones. */
  readonly columns: TestColumn[] = [];
  /** The trees that look numbers up, and the first column that each of them computes. */
  readonly lookups: { readonly ensemble: TestEnsemble; readonly first: number }[] = [];
  readonly #features: number;
  readonly #nodes: Node[] = [];
  readonly #constants: Record<string, Constant> = {};

  constructor(features: number, steps: readonly Step[]) {
    this.#features = features;
    for (const [index, column] of raw(features).entries()) this.#extract("raw", index, column);
    for (const step of steps) {
      if ("lookup" in step) this.#lookUp(step.lookup);
      else this.#operate(step);
    }
  }

  /**
   * Writes an ONNX file.
   *
   * @param ensemble tests the columns
   * @param summand a column that is added to the prediction
   */
  file(ensemble: TestEnsemble, summand?: number): Uint8Array {
    const add = { operator: "Add", inputs: ["scores", `column${summand}`], outputs: ["sum"] };
    return onnxFile({
      inputs: { raw: { type: "float", columns: this.#features } },
      outputs: [summand === undefined ? "scores" : "sum"],
      constants: this.#constants,
      nodes: [
        ...this.#nodes,
        this.#join("features"),
        ensembleNode(ensemble),
        ...(summand === undefined ? [] : [add]),
      ],
    });
  }

  /** Returns the node that joins the columns so far. */
  #join(output: string): Node {
    const inputs = this.columns.map((_, index) => `column${index}`);
    return { operator: "Concat", inputs, outputs: [output], attributes: alongColumns };
  }

  #add(column: TestColumn, operator: string, inputs: readonly string[], attributes = {}): void {
    const outputs = [`column${this.columns.length}`];
    this.#nodes.push({ operator, inputs, outputs, attributes });
    this.columns.push(column);
  }

  #extract(table: string, index: number, column: TestColumn): void {
    const name = `index${index}`;
    this.#constants[name] = { type: "int64", dimensions: [1], values: [index] };
    this.#add(column, "Gather", [table, name], alongColumns);
  }

  #operate({ operator, left, right }: Operation): void {
    const compute = operations[operator];
    const one = this.#operand(left);
    const other = this.#operand(right);
    const column = {
      of: (_: Float32Array, previous: readonly number[]) =>
        compute(one.of(previous), other.of(previous)),
      features: union(one.features, other.features),
    };
    this.#add(column, operator, [one.name, other.name]);
  }

  #operand(operand: Operation["right"]) {
    if (typeof operand === "number") {
      const index = operand % this.columns.length;
      const features = this.columns[index]?.features ?? [];
      const of = (previous: readonly number[]) => previous[index] ?? 0;
      return { name: `column${index}`, features, of };
    }
    const { constant } = operand;
    const name = `constant${this.columns.length}`;
    this.#constants[name] = { type: "float", dimensions: [1], values: [constant] };
    return { name, features: [], of: () => constant };
  }

  #lookUp({ trees, ...kind }: TestEnsemble): void {
    const known = this.columns.length;
    const ensemble = { ...kind, trees: trees.map((root) => limitColumns(root, known)) };
    const sources = ensemble.trees.flatMap(testedBy).map((at) => this.columns[at]?.features ?? []);
    const [features, scores] = [`features${known}`, `scores${known}`];
    this.#nodes.push(this.#join(features));
    this.#nodes.push({ ...ensembleNode(ensemble), inputs: [features], outputs: [scores] });
    this.lookups.push({ ensemble, first: known });
    for (let target = 0; target < ensemble.targets; target++) {
      this.#extract(scores, target, {
        of: (_, previous) => scoreOf(ensemble, target, previous),
        features: union(...sources),
      });
    }
  }
}

/** Lets a tree begin with a branch, so that its weights depend on a feature. */
function beginWithBranch(root: TestTree): TestTree {
  if (!("weights" in root)) return root;
  const condition = { mode: "BRANCH_LEQ", feature: 0, value: 0, nanIsTrue: false };
  const whenFalse = { weights: root.weights.map((weight) => -weight) };
  return { ...condition, whenTrue: root, whenFalse };
}

/**
 * Generates steps.
 *
 * @param values the values that branches compare with, and that trees look up
 */
export function steps(values: readonly number[]): fc.Arbitrary<readonly Step[]> {
  const operator = fc.constantFrom<keyof typeof operations>("Add", "Sub", "Mul", "Div");
  const column = fc.nat(15);
  const constant = fc.record({ constant: fc.constantFrom(-2, 0.5, 3) });
  const operation = fc.record({
    operator,
    left: column,
    right: fc.oneof({ arbitrary: column, weight: 3 }, constant),
  });
  const lookup = fc
    .record({
      targets: fc.constantFrom(1, 2),
      aggregate: fc.constantFrom("SUM", "SUM", "MIN", "MAX"),
    })
    .chain(({ targets, aggregate }) => {
      // Sums of huge weights are not exact.
      const weight = fc.constantFrom(...values.map((value) => Math.max(-10, Math.min(value, 10))));
      const trees = tree({ features: 16, targets, values, modes, nanIsTrue: fc.boolean(), weight });
      return fc.array(trees.map(beginWithBranch), { minLength: 1, maxLength: 3 }).map((grown) => ({
        lookup: { operator: "TreeEnsembleRegressor", targets, aggregate, trees: grown } as const,
      }));
    });
  return fc.array(fc.oneof<fc.Arbitrary<Step>[]>(operation, lookup), {
    minLength: 1,
    maxLength: 5,
  });
}
