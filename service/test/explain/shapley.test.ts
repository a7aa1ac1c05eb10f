import { expect, test } from "vitest";
import { fc } from "../../../test/seeded-fast-check.ts";
import { countCovers, explainedTrees } from "../../src/explain/explained-trees.ts";
import { Explanations } from "../../src/explain/explanations.ts";
import { readOnnxGraph } from "../../src/trees/onnx-file.ts";
import { readTreeModel } from "../../src/trees/tree-model.ts";
import {
  cell,
  ensembleNode,
  finite,
  modes,
  type TestEnsemble,
  type TestTree,
  tree,
} from "../trees/ensembles.ts";
import { onnxFile } from "../trees/onnx-writer.ts";
import {
  DerivedColumns,
  isMet,
  limitColumns,
  raw,
  steps,
  type TestColumn,
  valuesOf,
} from "./derived-columns.ts";

/** Counts the rows that reach each node. */
function countRows(root: TestTree, rows: readonly (readonly number[])[]) {
  const counts = new Map<TestTree, number>();
  for (const columns of rows) {
    let node = root;
    while (true) {
      counts.set(node, (counts.get(node) ?? 0) + 1);
      if ("weights" in node) break;
      node = isMet(node, columns) ? node.whenTrue : node.whenFalse;
    }
  }
  return counts;
}

/** The mean weight of a tree if only some players are known, computed from the definition. */
function meanWeight(
  node: TestTree,
  target: number,
  columns: readonly number[],
  isKnown: (column: number) => boolean,
  counts: ReadonlyMap<TestTree, number>,
): number {
  if ("weights" in node) return node.weights[target] ?? 0;
  const mean = (child: TestTree) => meanWeight(child, target, columns, isKnown, counts);
  const { whenTrue, whenFalse } = node;
  if (isKnown(node.feature)) return mean(isMet(node, columns) ? whenTrue : whenFalse);
  const rows = counts.get(node) ?? 0;
  const share = rows > 0 ? (counts.get(whenTrue) ?? 0) / rows : 0.5;
  return share * mean(whenTrue) + (1 - share) * mean(whenFalse);
}

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

/**
 * Returns the baseline, and the contribution of each feature: the Shapley values of a sum over all
 * sets of players.
 */
function bruteForce(
  { trees }: TestEnsemble,
  target: number,
  columns: readonly TestColumn[],
  row: Float32Array,
  training: readonly Float32Array[],
): number[] {
  const values = valuesOf(columns, row);
  const trainingValues = training.map((each) => valuesOf(columns, each));
  const players = [...new Set(columns.map(({ features }) => features.join()))];
  const playerOf = columns.map(({ features }) => players.indexOf(features.join()));
  const counts = trees.map((each) => countRows(each, trainingValues));
  const sums = Array.from({ length: 2 ** players.length }, (_, known) =>
    trees.reduce((sum, each, index) => {
      const isKnown = (column: number) => ((known >> (playerOf[column] ?? 0)) & 1) === 1;
      return sum + meanWeight(each, target, values, isKnown, counts[index] ?? new Map());
    }, 0),
  );
  const contributions = Array<number>(row.length).fill(0);
  for (const [player, name] of players.entries()) {
    let value = 0;
    for (let known = 0; known < sums.length; known++) {
      if ((known >> player) & 1) continue;
      const size = players.filter((_, each) => (known >> each) & 1).length;
      const weight =
        (factorial(size) * factorial(players.length - size - 1)) / factorial(players.length);
      value += weight * ((sums[known | (1 << player)] ?? 0) - (sums[known] ?? 0));
    }
    const features = name.split(",").map(Number);
    for (const feature of features) {
      contributions[feature] = (contributions[feature] ?? 0) + value / features.length;
    }
  }
  return [sums[0] ?? 0, ...contributions];
}

/** A table of `rows × features`. */
const join = (rows: readonly Float32Array[]) => Float32Array.from(rows.flatMap((row) => [...row]));

/** Explains a row. @returns a list per output: the margin, the baseline, and the contributions */
function explain(file: Uint8Array, row: Float32Array, training: readonly Float32Array[]) {
  const trees = explainedTrees(readTreeModel(readOnnxGraph(file), {}));
  const explained = new Explanations(trees, countCovers(trees, join(training))).explain(row);
  const outputs = trees.outputs.length;
  return Array.from({ length: outputs }, (_, output) =>
    [...explained].filter((_, index) => index % outputs === output),
  );
}

function expectClose(found: readonly number[] | undefined, expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) expect(found?.[index]).toBeCloseTo(value, 8);
}

interface Example {
  readonly ensemble: TestEnsemble;
  readonly row: Float32Array;
  readonly training: readonly Float32Array[];
}

/** Generates the values that branches compare with. */
const thresholds = fc.array(finite, { minLength: 1, maxLength: 8 });

/** Generates ensembles, a row, and training rows. */
function examplesOf(
  values: readonly number[],
  kind: Omit<TestEnsemble, "trees">,
  columns: number,
  features: number,
): fc.Arbitrary<Example> {
  const row = fc
    .array(cell(values), { minLength: features, maxLength: features })
    .map((cells) => Float32Array.from(cells));
  const trees = tree({
    features: columns,
    targets: kind.targets,
    values,
    modes,
    nanIsTrue: fc.boolean(),
    weight: fc.float({ min: -10, max: 10, noNaN: true }),
  });
  return fc.record({
    ensemble: fc
      .array(trees, { minLength: 1, maxLength: 4 })
      .map((grown) => ({ ...kind, trees: grown })),
    row,
    training: fc.array(row, { maxLength: 40 }),
  });
}

const examples = (kind: Omit<TestEnsemble, "trees">, columns: number, features = columns) =>
  thresholds.chain((values) => examplesOf(values, kind, columns, features));

function fileOf(ensemble: TestEnsemble, columns: number): Uint8Array {
  return onnxFile({
    inputs: { features: { type: "float", columns } },
    outputs: ["scores"],
    nodes: [ensembleNode(ensemble)],
  });
}

const regressor = { operator: "TreeEnsembleRegressor" } as const;
const classifier = { operator: "TreeEnsembleClassifier" } as const;

test.each([1, 2, 5, 8])(
  "the contributions of %i features are those that a sum over all subsets gives",
  (count) => {
    fc.assert(
      fc.property(examples({ ...regressor, targets: 1 }, count), ({ ensemble, row, training }) => {
        const [found] = explain(fileOf(ensemble, count), row, training);
        expectClose(found?.slice(1), bruteForce(ensemble, 0, raw(count), row, training));
        expect(found?.[0]).toBeNaN();
      }),
    );
  },
);

test("each number of a prediction has its own baseline and contributions", () => {
  const kind = { ...regressor, targets: 3, base: [1, -2, 4] };
  fc.assert(
    fc.property(examples(kind, 3), ({ ensemble, row, training }) => {
      const found = explain(fileOf(ensemble, 3), row, training);
      for (const [target, base] of kind.base.entries()) {
        const [mean = 0, ...contributions] = bruteForce(ensemble, target, raw(3), row, training);
        expectClose(found[target]?.slice(1), [base + mean, ...contributions]);
      }
    }),
  );
});

test("an average of trees is explained as their sum divided by their number", () => {
  const kind = { ...regressor, targets: 1, aggregate: "AVERAGE", base: [3] };
  fc.assert(
    fc.property(examples(kind, 4), ({ ensemble, row, training }) => {
      const [found] = explain(fileOf(ensemble, 4), row, training);
      const average = bruteForce(ensemble, 0, raw(4), row, training).map(
        (value) => value / ensemble.trees.length,
      );
      expectClose(found?.slice(1), [3 + (average[0] ?? 0), ...average.slice(1)]);
    }),
  );
});

test.each(["LOGISTIC", "SOFTMAX"])(
  "a classifier with %s is explained before the transformation",
  (transform) => {
    const kind = { ...classifier, targets: 3, transform };
    fc.assert(
      fc.property(examples(kind, 3), ({ ensemble, row, training }) => {
        const found = explain(fileOf(ensemble, 3), row, training);
        for (let target = 0; target < 3; target++) {
          const expected = bruteForce(ensemble, target, raw(3), row, training);
          expectClose(found[target]?.slice(1), expected);
          const margin = expected.reduce((sum, value) => sum + value, 0);
          expect(found[target]?.[0]).toBeCloseTo(margin, 8);
        }
      }),
    );
  },
);

test("if two classes have one score, their margins are opposite", () => {
  const kind = { ...classifier, targets: 2, transform: "LOGISTIC", targetsOf: () => [0] };
  fc.assert(
    fc.property(examples(kind, 3), ({ ensemble, row, training }) => {
      const [first, second] = explain(fileOf(ensemble, 3), row, training);
      const expected = bruteForce(ensemble, 0, raw(3), row, training);
      expectClose(second?.slice(1), expected);
      expectClose(first, second?.map((value) => -value) ?? []);
    }),
  );
});

test("columns of the same features are one player, and its features share its contribution", () => {
  const graph = new DerivedColumns(3, [
    { operator: "Add", left: 0, right: 1 },
    { operator: "Sub", left: 0, right: 1 },
  ]);
  fc.assert(
    fc.property(examples({ ...regressor, targets: 1 }, 5, 3), ({ ensemble, row, training }) => {
      const [found] = explain(graph.file(ensemble), row, training);
      expectClose(found?.slice(1), bruteForce(ensemble, 0, graph.columns, row, training));
    }),
  );
});

/** Generates graphs with derived columns of three features, ensembles that test them, and rows. */
const derivedExamples = thresholds
  .chain((values) =>
    fc.record({
      graph: steps(values).map((each) => new DerivedColumns(3, each)),
      example: examplesOf(values, { ...regressor, targets: 1 }, 16, 3),
    }),
  )
  .map(({ graph, example: { ensemble, ...rows } }) => {
    const trees = ensemble.trees.map((root) => limitColumns(root, graph.columns.length));
    return { graph, ensemble: { ...ensemble, trees }, ...rows };
  });

test("if trees test products, differences and other trees, contributions are those of all subsets", () => {
  fc.assert(
    fc.property(derivedExamples, ({ graph, ensemble, row, training }) => {
      const [found] = explain(graph.file(ensemble), row, training);
      expectClose(found?.slice(1), bruteForce(ensemble, 0, graph.columns, row, training));
    }),
    { numRuns: 300 },
  );
});

test("trees that other trees test are also explained if they are a part of the prediction", () => {
  fc.assert(
    fc.property(derivedExamples, ({ graph, ensemble, row, training }) => {
      const lookup = graph.lookups.find((each) => each.ensemble.aggregate === "SUM");
      fc.pre(lookup !== undefined);
      const [found] = explain(graph.file(ensemble, lookup.first), row, training);
      const own = bruteForce(ensemble, 0, graph.columns, row, training);
      const other = bruteForce(lookup.ensemble, 0, graph.columns, row, training);
      const sum = own.map((value, index) => value + (other[index] ?? 0));
      expectClose(found?.slice(1), sum);
    }),
  );
});

/** A tree that only tests a feature at 0. */
const stump = (feature: number): TestTree => ({
  mode: "BRANCH_LEQ",
  feature,
  value: 0,
  nanIsTrue: false,
  whenTrue: { weights: [0] },
  whenFalse: { weights: [1] },
});

test("a long chain of one feature is explained exactly", () => {
  let chain: TestTree = { weights: [0] };
  for (let value = 500; value > 0; value--) {
    const shared = { mode: "BRANCH_LEQ", feature: 0, value, nanIsTrue: false };
    chain = { ...shared, whenTrue: { weights: [value] }, whenFalse: chain };
  }
  const training = Array.from({ length: 501 }, (_, value) => Float32Array.of(value, 0));
  const ensemble = { ...regressor, targets: 1, trees: [chain, stump(1)] };
  const [found] = explain(fileOf(ensemble, 2), Float32Array.of(250, 1), training);
  const mean = training.reduce((sum, [value = 0]) => sum + Math.max(1, value), 0) / 501;
  expectClose(found?.slice(1), [mean, 250 - mean, 1]);
});

test.each(["MIN", "MAX"])("trees with the aggregate %s are not explained", (aggregate) => {
  const file = fileOf({ ...regressor, targets: 1, aggregate, trees: [stump(0)] }, 1);
  const name = aggregate === "MIN" ? "minimum" : "maximum";
  expect(() => explain(file, Float32Array.of(1), [])).toThrow(
    `its prediction is the ${name} of trees`,
  );
});

test("a product of trees is not explained", () => {
  const ensemble = { ...regressor, targets: 1, trees: [stump(0)] };
  const file = onnxFile({
    inputs: { features: { type: "float", columns: 1 } },
    outputs: ["square"],
    nodes: [
      ensembleNode(ensemble),
      { operator: "Mul", inputs: ["scores", "scores"], outputs: ["square"] },
    ],
  });
  expect(() => explain(file, Float32Array.of(1), [])).toThrow(
    "its prediction is not a sum of trees",
  );
});
