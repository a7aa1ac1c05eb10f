import { expect, test } from "vitest";
import { fc } from "../../../test/seeded-fast-check.ts";
import { compileTrees } from "../../src/trees/compile-trees.ts";
import { ensembleNode, randomNumbers, type TestEnsemble, type TestTree } from "./ensembles.ts";
import { onnxFile } from "./onnx-writer.ts";
import { expectReferenceBits } from "./reference.ts";

const features = 3;

function fileOf(ensemble: Omit<TestEnsemble, "operator">): Uint8Array {
  return onnxFile({
    inputs: { features: { type: "float", columns: features } },
    outputs: ["scores"],
    nodes: [ensembleNode({ ...ensemble, operator: "TreeEnsembleRegressor" })],
  });
}

/** Returns a tree with random thresholds. */
function randomTree(leaves: number, targets: number, random: () => number): TestTree {
  if (leaves === 1) return { weights: Array.from({ length: targets }, () => random() - 0.5) };
  const below = 1 + Math.floor(random() * (leaves - 1));
  return {
    mode: "BRANCH_LEQ",
    feature: Math.floor(random() * features),
    value: random(),
    nanIsTrue: random() < 0.5,
    whenTrue: randomTree(below, targets, random),
    whenFalse: randomTree(leaves - below, targets, random),
  };
}

test("small and large trees in one ensemble predict the bits of ONNX Runtime", async () => {
  const forests = fc.record({
    seed: fc.nat(),
    sizes: fc.array(fc.constantFrom(1, 2, 31, 255, 256, 257, 1000), {
      minLength: 1,
      maxLength: 24,
    }),
    targets: fc.constantFrom(1, 3),
    rows: fc.constantFrom(1, 4, 5, 130, 300),
    aggregate: fc.constantFrom("SUM", "MIN", "MAX"),
  });
  const property = fc.asyncProperty(forests, async ({ seed, sizes, targets, rows, aggregate }) => {
    const random = randomNumbers(seed);
    const trees = sizes.map((leaves) => randomTree(leaves, targets, random));
    const matrix = Float32Array.from({ length: rows * features }, () =>
      random() < 0.05 ? NaN : random(),
    );
    await expectReferenceBits(fileOf({ trees, targets, aggregate }), matrix);
  });
  await fc.assert(property, { numRuns: 40 });
});

/** Returns a tree with one long path: each branch has a leaf and the next branch. */
function path(branches: number): TestTree {
  let tree: TestTree = { weights: [-1] };
  for (let index = branches; index > 0; index -= 1) {
    const leaf = { weights: [index] };
    const isLeft = index % 2 === 0;
    tree = {
      mode: "BRANCH_LT",
      feature: 0,
      value: isLeft ? index : -index,
      nanIsTrue: false,
      whenTrue: isLeft ? tree : leaf,
      whenFalse: isLeft ? leaf : tree,
    };
  }
  return tree;
}

test("a tree 1,500 branches deep predicts the bits of ONNX Runtime", async () => {
  const cells = Array.from({ length: 600 }, (_, row) => [(row - 300) * 5.5, 0, 0]);
  const file = fileOf({ trees: [path(1500), path(200)], targets: 1 });
  await expectReferenceBits(file, Float32Array.from(cells.flat()));
});

test("a tree more than 2,000 branches deep is not compiled", () => {
  expect(compileTrees(fileOf({ trees: [path(2001)], targets: 1 }))).toEqual({
    reason: "operator TreeEnsembleRegressor: a tree is deeper than 2000 branches",
  });
});

test("more than a million nodes are not compiled", () => {
  const ids = { ints: new Array(1_000_001).fill(0) };
  const node = ensembleNode({
    operator: "TreeEnsembleRegressor",
    trees: [{ weights: [1] }],
    targets: 1,
  });
  const file = onnxFile({
    inputs: { features: { type: "float", columns: features } },
    outputs: ["scores"],
    nodes: [{ ...node, attributes: { ...node.attributes, nodes_nodeids: ids } }],
  });
  expect(compileTrees(file)).toEqual({
    reason: "operator TreeEnsembleRegressor: there are 1000001 tree nodes; the limit is 1000000",
  });
});
