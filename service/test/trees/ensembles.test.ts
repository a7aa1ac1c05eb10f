import { test } from "vitest";
import { fc } from "../../../test/seeded-fast-check.ts";
import {
  cell,
  ensembleNode,
  finite,
  modes,
  randomNumbers,
  type TestBranch,
  type TestEnsemble,
  type TestTree,
  tree,
} from "./ensembles.ts";
import { type Node, onnxFile } from "./onnx-writer.ts";
import { expectReferenceBits } from "./reference.ts";

type Kind = Omit<TestEnsemble, "trees">;

type Choice = Omit<TestBranch, "mode" | "value"> & { readonly chosen: readonly number[] };

interface Example {
  readonly ensemble: TestEnsemble;
  readonly features: number;
  readonly matrix: Float32Array;
}

/** Numbers of rows: one, a few, full and almost full vectors, and more than a block. */
const rowCounts = fc.constantFrom(1, 2, 4, 5, 15, 16, 17, 100, 255, 256, 257, 600);

/** Returns random rows, repeated as often as needed. */
function matrices(values: readonly number[], features: number): fc.Arbitrary<Float32Array> {
  const row = fc.array(cell(values), { minLength: features, maxLength: features });
  return fc
    .tuple(fc.array(row, { minLength: 1, maxLength: 60 }), rowCounts)
    .map(([rows, count]) => {
      const cells = rows.flat();
      return Float32Array.from(
        { length: count * features },
        (_, at) => cells[at % cells.length] ?? 0,
      );
    });
}

/** Generates ensembles of a kind, with rows for them. */
function examples(kinds: fc.Arbitrary<Kind>, weight: fc.Arbitrary<number>): fc.Arbitrary<Example> {
  const shapes = fc.record({
    kind: kinds,
    features: fc.integer({ min: 1, max: 4 }),
    values: fc.array(finite, { minLength: 1, maxLength: 8 }),
    modes: fc.oneof(fc.constantFrom(...modes.map((mode) => [mode])), fc.constant(modes)),
    nanIsTrue: fc.constantFrom(fc.constant(false), fc.boolean()),
  });
  return shapes.chain(({ kind, ...choices }) => {
    const trees = tree({ ...choices, targets: kind.targets, weight });
    return fc.record({
      ensemble: fc
        .array(trees, { minLength: 1, maxLength: 20 })
        .map((grown) => ({ ...kind, trees: grown })),
      features: fc.constant(choices.features),
      matrix: matrices(choices.values, choices.features),
    });
  });
}

async function expectSameBits({ ensemble, features, matrix }: Example): Promise<void> {
  const file = onnxFile({
    inputs: { features: { type: "float", columns: features } },
    outputs: ["scores"],
    nodes: [ensembleNode(ensemble)],
  });
  await expectReferenceBits(file, matrix);
}

/** Weights of any size, whose sums round and overflow. */
const weights = fc.oneof(fc.float({ min: -10, max: 10, noNaN: true }), finite);

/** Generates base values, or none. */
function bases(count: number): fc.Arbitrary<readonly number[]> {
  return fc.oneof(fc.constant([]), fc.array(weights, { minLength: count, maxLength: count }));
}

const transforms = fc.constantFrom("NONE", "LOGISTIC", "SOFTMAX");

test("a regressor with any trees, targets and aggregate predicts the bits of ONNX Runtime", async () => {
  const kinds = fc.integer({ min: 1, max: 4 }).chain((targets) =>
    fc.record<Kind>({
      operator: fc.constant("TreeEnsembleRegressor"),
      targets: fc.constant(targets),
      base: bases(targets),
      transform: transforms,
      aggregate: fc.constantFrom("SUM", "AVERAGE", "MIN", "MAX"),
    }),
  );
  await fc.assert(fc.asyncProperty(examples(kinds, weights), expectSameBits), { numRuns: 300 });
});

test("a classifier of several classes predicts the bits of ONNX Runtime", async () => {
  const kinds = fc.integer({ min: 3, max: 5 }).chain((targets) =>
    fc.record<Kind>({
      operator: fc.constant("TreeEnsembleClassifier"),
      targets: fc.constant(targets),
      base: bases(targets),
      transform: transforms,
      // Each boosted tree has weights for one class, each tree of a forest for all classes.
      targetsOf: fc.constantFrom<Kind["targetsOf"]>(undefined, (index) => [index % targets]),
    }),
  );
  await fc.assert(fc.asyncProperty(examples(kinds, weights), expectSameBits), { numRuns: 200 });
});

test("a classifier of two classes predicts the bits of ONNX Runtime from the score of one", async () => {
  const kinds = fc.record<Kind>({
    operator: fc.constant("TreeEnsembleClassifier"),
    targets: fc.constant(2),
    base: bases(1),
    transform: transforms,
    targetsOf: fc.constant(() => [0]),
  });
  const positive = fc.float({ min: 0, max: 1, noNaN: true });
  const either = fc.oneof(examples(kinds, positive), examples(kinds, weights));
  await fc.assert(fc.asyncProperty(either, expectSameBits), { numRuns: 200 });
});

test("a classifier of two classes predicts the bits of ONNX Runtime from both scores", async () => {
  const kinds = fc.record<Kind>({
    operator: fc.constant("TreeEnsembleClassifier"),
    targets: fc.constant(2),
    transform: transforms,
  });
  await fc.assert(fc.asyncProperty(examples(kinds, weights), expectSameBits), { numRuns: 100 });
});

test("trees with choices of values predict the bits of ONNX Runtime", async () => {
  const values = [-4, -0, 1, 2, 2.5, 31, 32, 33, 300];
  const choices = fc.integer({ min: 1, max: 3 }).chain((targets) => {
    const leaf = fc.record({
      weights: fc.array(weights, { minLength: targets, maxLength: targets }),
    });
    const choice = fc.record({
      feature: fc.nat(1),
      chosen: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }),
      nanIsTrue: fc.boolean(),
      whenTrue: leaf,
      whenFalse: leaf,
    });
    return fc.record({
      targets: fc.constant(targets),
      trees: fc.array(
        fc.tuple(choice, choice).map(([first, { chosen, whenTrue, whenFalse }]) => {
          const second = growChoice({ ...first, chosen, whenTrue, whenFalse });
          return growChoice(targets === 1 ? { ...first, whenFalse: second } : first);
        }),
        { minLength: 1, maxLength: 5 },
      ),
      matrix: matrices(values, 2),
    });
  });
  const property = fc.asyncProperty(choices, ({ matrix, ...forest }) => {
    const ensemble: TestEnsemble = { ...forest, operator: "TreeEnsembleRegressor" };
    return expectSameBits({ ensemble, features: 2, matrix });
  });
  await fc.assert(property, { numRuns: 100 });
});

/** Returns a chain of branches, one per value, that all lead to the same node. */
function growChoice({ chosen, whenFalse, ...same }: Choice): TestTree {
  return chosen.reduceRight<TestTree>(
    (rest, value) => ({ ...same, mode: "BRANCH_EQ", value, whenFalse: rest }),
    whenFalse,
  );
}

/** Returns a tree that predicts the integer part of a feature, times a step. */
function staircase(feature: number, from: number, to: number, step: number): TestTree {
  if (to - from === 1) return { weights: [from * step] };
  const middle = Math.floor((from + to) / 2);
  return {
    mode: "BRANCH_LT",
    feature,
    value: middle,
    nanIsTrue: false,
    whenTrue: staircase(feature, from, middle, step),
    whenFalse: staircase(feature, middle, to, step),
  };
}

test("e^x has the bits of ONNX Runtime over the whole range of float32", async () => {
  // The sums of three such trees are eight million different numbers from -111 to 111.
  const trees = [1.1, 0.011, 1.1e-4].map((step, feature) => staircase(feature, -100, 100, step));
  const ensemble: TestEnsemble = {
    operator: "TreeEnsembleClassifier",
    trees,
    targets: 3,
    targetsOf: () => [0],
    transform: "SOFTMAX",
  };
  const random = randomNumbers(1);
  const matrix = Float32Array.from({ length: 3 * 500_000 }, () => random() * 200 - 100);
  await expectSameBits({ ensemble, features: 3, matrix });
});

const zero: TestTree = { weights: [0, 0, 0, 0] };

test("an average of several targets that rounds to -0 is -0", async () => {
  const tiny: TestTree = { weights: [-(2 ** -149), 2 ** -149] };
  const ensemble: TestEnsemble = {
    operator: "TreeEnsembleRegressor",
    trees: [tiny, zero, zero],
    targets: 2,
    aggregate: "AVERAGE",
  };
  await expectSameBits({ ensemble, features: 1, matrix: Float32Array.of(1) });
});

test("a class without weights whose base value is -0 has the score -0", async () => {
  const ensemble: TestEnsemble = {
    operator: "TreeEnsembleClassifier",
    trees: [zero],
    targets: 4,
    targetsOf: () => [0],
    base: [-0, -0, 1, 2],
  };
  await expectSameBits({ ensemble, features: 1, matrix: Float32Array.of(1) });
});

test("ensembles that use the predictions of other ensembles predict the bits of ONNX Runtime", async () => {
  const values = [-1, 0, 0.5, 2];
  const choices = { features: 2, targets: 1, values, modes: modes, nanIsTrue: fc.boolean() };
  const forest = fc.array(tree({ ...choices, weight: weights }), { minLength: 1, maxLength: 9 });
  const node = (trees: readonly TestTree[], input: string, output: string): Node => ({
    ...ensembleNode({ operator: "TreeEnsembleRegressor", trees, targets: 1 }),
    inputs: [input],
    outputs: [output],
  });
  const property = fc.asyncProperty(
    forest,
    forest,
    forest,
    matrices(values, 2),
    async (one, two, three, matrix) => {
      const file = onnxFile({
        inputs: { features: { type: "float", columns: 2 } },
        outputs: ["output"],
        nodes: [
          node(one, "features", "first"),
          node(two, "features", "second"),
          {
            operator: "Concat",
            inputs: ["first", "second"],
            outputs: ["both"],
            attributes: { axis: { int: 1 } },
          },
          node(three, "both", "third"),
          { operator: "Add", inputs: ["both", "third"], outputs: ["output"] },
        ],
      });
      await expectReferenceBits(file, matrix);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});
