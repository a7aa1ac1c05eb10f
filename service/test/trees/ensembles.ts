import fc from "fast-check";
import type { Attribute, Node } from "./onnx-writer.ts";

/** A tree in a test. A node that two branches lead to is listed once. */
export type TestTree = TestLeaf | TestBranch;

/** A leaf, with its weights by target. */
interface TestLeaf {
  readonly weights: readonly number[];
}

/** A branch on the comparison of a column with a value. */
export interface TestBranch {
  readonly mode: string;
  readonly feature: number;
  readonly value: number;
  readonly nanIsTrue: boolean;
  readonly whenTrue: TestTree;
  readonly whenFalse: TestTree;
}

/** An operator that consists of trees. */
export interface TestEnsemble {
  readonly operator: "TreeEnsembleRegressor" | "TreeEnsembleClassifier";
  readonly trees: readonly TestTree[];
  /** The number of targets or classes. */
  readonly targets: number;
  /** The targets for which the leaves of a tree have weights. By default, all. */
  readonly targetsOf?: (tree: number) => readonly number[];
  readonly base?: readonly number[];
  readonly transform?: string;
  readonly aggregate?: string;
}

/** Returns the node that computes `scores` from `features`. */
export function ensembleNode(ensemble: TestEnsemble): Node {
  const { operator, targets, base = [], transform = "NONE", aggregate = "SUM" } = ensemble;
  const isClassifier = operator === "TreeEnsembleClassifier";
  const kind: Record<string, Attribute> = isClassifier
    ? { classlabels_int64s: { ints: [...Array(targets).keys()] } }
    : { n_targets: { int: targets }, aggregate_function: { text: aggregate } };
  return {
    operator,
    domain: "ai.onnx.ml",
    inputs: ["features"],
    outputs: isClassifier ? ["label", "scores"] : ["scores"],
    attributes: {
      ...kind,
      ...listAttributes(ensemble, isClassifier ? "class" : "target"),
      ...(base.length > 0 && { base_values: { floats: base } }),
      post_transform: { text: transform },
    },
  };
}

function listAttributes(ensemble: TestEnsemble, prefix: string): Record<string, Attribute> {
  const { trees, targets, targetsOf = () => [...Array(targets).keys()] } = ensemble;
  const nodes = trees.flatMap(listNodes);
  const weights = nodes.flatMap(({ tree, id, node }) =>
    "weights" in node
      ? targetsOf(tree).map((target) => ({ tree, id, target, weight: node.weights[target] ?? 0 }))
      : [],
  );
  const branch = (read: (branch: TestBranch) => number) =>
    nodes.map(({ node }) => ("weights" in node ? 0 : read(node)));
  return {
    nodes_treeids: { ints: nodes.map(({ tree }) => tree) },
    nodes_nodeids: { ints: nodes.map(({ id }) => id) },
    nodes_modes: { texts: nodes.map(({ node }) => ("weights" in node ? "LEAF" : node.mode)) },
    nodes_featureids: { ints: branch(({ feature }) => feature) },
    nodes_values: { floats: branch(({ value }) => value) },
    nodes_missing_value_tracks_true: { ints: branch(({ nanIsTrue }) => Number(nanIsTrue)) },
    nodes_truenodeids: { ints: nodes.map(({ trueId }) => trueId) },
    nodes_falsenodeids: { ints: nodes.map(({ falseId }) => falseId) },
    [`${prefix}_treeids`]: { ints: weights.map(({ tree }) => tree) },
    [`${prefix}_nodeids`]: { ints: weights.map(({ id }) => id) },
    [`${prefix}_ids`]: { ints: weights.map(({ target }) => target) },
    [`${prefix}_weights`]: { floats: weights.map(({ weight }) => weight) },
  };
}

interface ListedNode {
  readonly tree: number;
  readonly id: number;
  readonly node: TestTree;
  readonly trueId: number;
  readonly falseId: number;
}

/** Returns the nodes of a tree, level by level. The number of a node is its index. */
function listNodes(root: TestTree, tree: number): ListedNode[] {
  const numbers = new Map([[root, 0]]);
  const numberOf = (node: TestTree) => {
    const number = numbers.get(node) ?? numbers.size;
    numbers.set(node, number);
    return number;
  };
  // The map grows during the iteration.
  return Array.from(numbers, ([node, id]) => {
    const isLeaf = "weights" in node;
    const trueId = isLeaf ? 0 : numberOf(node.whenTrue);
    const falseId = isLeaf ? 0 : numberOf(node.whenFalse);
    return { tree, id, node, trueId, falseId };
  });
}

/** The smallest and largest float32, and numbers around 0. */
const edges = [
  0,
  -0,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  2 ** 127,
  -(2 ** 127),
  3.4028234663852886e38,
];

/** A finite float32. */
export const finite = fc.oneof(
  fc.integer({ min: -4, max: 4 }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(...edges),
);

/** Generates a number of a row: often a value that branches compare with, or next to one. */
export function cell(values: readonly number[]): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constantFrom(...values),
    fc.constantFrom(...values.flatMap((value) => [neighbour(value, -1), neighbour(value, 1)])),
    fc.constantFrom(NaN, Infinity, -Infinity, ...edges),
    finite,
  );
}

/** The float32 whose bits are one more or less. */
function neighbour(value: number, difference: 1 | -1): number {
  const bits = new Int32Array(Float32Array.of(value).buffer);
  return new Float32Array(bits.map((each) => each + difference).buffer)[0] ?? 0;
}

/** The parameters of random trees. */
export interface TreeChoices {
  readonly features: number;
  readonly targets: number;
  /** The values that branches compare with. */
  readonly values: readonly number[];
  readonly modes: readonly string[];
  readonly nanIsTrue: fc.Arbitrary<boolean>;
  readonly weight: fc.Arbitrary<number>;
}

/** All conditions of branches. */
export const modes = [
  "BRANCH_LEQ",
  "BRANCH_LT",
  "BRANCH_GTE",
  "BRANCH_GT",
  "BRANCH_EQ",
  "BRANCH_NEQ",
];

/** Generates a tree with up to six levels of branches. */
export function tree(choices: TreeChoices): fc.Arbitrary<TestTree> {
  const { features, targets, values, modes, nanIsTrue, weight } = choices;
  return fc.letrec<{ tree: TestTree; leaf: TestLeaf; branch: TestBranch }>((tie) => ({
    tree: fc.oneof({ maxDepth: 6, depthSize: "medium" }, tie("leaf"), tie("branch"), tie("branch")),
    leaf: fc.record({
      weights: fc.array(weight, { minLength: targets, maxLength: targets }),
    }),
    branch: fc
      .record({
        mode: fc.constantFrom(...modes),
        feature: fc.nat(features - 1),
        value: fc.constantFrom(...values),
        nanIsTrue,
        whenTrue: tie("tree"),
        whenFalse: tie("tree"),
      })
      .map(endChoice),
  })).tree;
}

/** Successive tests for equality have their own tests. */
function endChoice(branch: TestBranch): TestBranch {
  const { mode, whenFalse } = branch;
  const isInRow = mode === "BRANCH_EQ" && "mode" in whenFalse && whenFalse.mode === "BRANCH_EQ";
  return isInRow ? { ...branch, whenFalse: { ...whenFalse, mode: "BRANCH_LEQ" } } : branch;
}

/** Returns a generator of random numbers from 0 to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
