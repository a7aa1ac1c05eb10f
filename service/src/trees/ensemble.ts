import {
  type Branch,
  branch,
  type Column,
  constant,
  type Ensemble,
  leaf,
  replaceNaN,
  type Tree,
  type TreeNode,
  whereEqual,
} from "./column.ts";
import { Unsupported } from "./unsupported.ts";

/** Nodes as in ONNX: each list has one entry per node. A tree begins with its root. */
export interface NodeLists {
  readonly trees: readonly number[];
  /** The number of the node in its tree. */
  readonly ids: readonly number[];
  /** `LEAF`, or the condition of a branch. */
  readonly modes: readonly string[];
  /** The index of the column that a branch tests. */
  readonly features: readonly number[];
  readonly thresholds: readonly number[];
  readonly trueIds: readonly number[];
  readonly falseIds: readonly number[];
  /** 1 if NaN meets the condition of a branch. This list may be shorter than the others. */
  readonly nanIsTrue: readonly number[];
}

/** Weights of leaves as in ONNX: each list has one entry per weight. */
export interface WeightLists {
  readonly trees: readonly number[];
  readonly ids: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

/** Which rows get a weight for a target. */
export type Coverage = "all rows" | "some rows" | "no row";

interface ListedNode {
  readonly mode: string;
  readonly feature: number;
  readonly threshold: number;
  readonly trueId: number;
  readonly falseId: number;
  readonly nanIsTrue: boolean;
  /** The weights of a leaf, by target. */
  readonly weights: (number | undefined)[];
}

type ListedTree = ReadonlyMap<number, ListedNode>;

const noWeights: [] = [];

const maxNodes = 1_000_000;
const maxTargets = 64;
const maxDepth = 2000;

/** A weight that does not change the result, for targets without a weight. */
const noWeight = { sum: 0, minimum: Infinity, maximum: -Infinity } as const;

/**
 * Builds an ensemble from the lists of an ONNX file.
 *
 * @param columns the columns that branches test
 * @returns the ensemble, and which rows get a weight, by target
 * @throws {Unsupported} if the lists do not describe trees, or are too long
 */
export function buildEnsemble(
  nodes: NodeLists,
  weights: WeightLists,
  columns: readonly Column[],
  combination: Ensemble["combination"],
  targets: number,
): { readonly ensemble: Ensemble; readonly coverage: readonly Coverage[] } {
  if (nodes.ids.length > maxNodes) {
    throw new Unsupported(`there are ${nodes.ids.length} tree nodes; the limit is ${maxNodes}`);
  }
  if (!(targets >= 1 && targets <= maxTargets)) {
    throw new Unsupported(`the trees have ${targets} targets; the limit is ${maxTargets}`);
  }
  const listed = [...groupNodes(nodes, weights, targets).values()];
  const covered = listed.map((tree) => targetsOfLeaves(tree, targets));
  const hasOneTargetEach = covered.every(({ size }) => size === 1);
  const targetsPerTree = hasOneTargetEach ? 1 : targets;
  const conditions = new Conditions(columns);
  const trees = listed.map((tree, index): Tree => {
    const [firstTarget = 0] = hasOneTargetEach ? (covered[index]?.keys() ?? []) : [];
    const weightsOf = (node: ListedNode) =>
      node.weights
        .slice(firstTarget, firstTarget + targetsPerTree)
        .map((weight) => weight ?? noWeight[combination]);
    return { root: linkNodes(tree, conditions, weightsOf, targets), firstTarget };
  });
  return {
    ensemble: { trees, combination, targets, targetsPerTree, tested: conditions.tested },
    coverage: Array.from({ length: targets }, (_, target) => coverageOf(target, covered)),
  };
}

function coverageOf(target: number, trees: readonly CoveredTargets[]): Coverage {
  const found = new Set(trees.map((targets) => targets.get(target) ?? "no row"));
  if (found.has("all rows")) return "all rows";
  return found.has("some rows") ? "some rows" : "no row";
}

function entry<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new Unsupported("the lists of the trees differ in length");
  return value;
}

function groupNodes(
  nodes: NodeLists,
  weights: WeightLists,
  targets: number,
): ReadonlyMap<number, ListedTree> {
  const trees = new Map<number, Map<number, ListedNode>>();
  let tree = new Map<number, ListedNode>();
  for (let index = 0; index < nodes.trees.length; index += 1) {
    const number = entry(nodes.trees, index);
    if (number !== nodes.trees[index - 1]) {
      if (trees.has(number)) throw new Unsupported(`the nodes of tree ${number} are not together`);
      tree = new Map();
      trees.set(number, tree);
    }
    const mode = entry(nodes.modes, index);
    tree.set(entry(nodes.ids, index), {
      mode,
      feature: entry(nodes.features, index),
      threshold: entry(nodes.thresholds, index),
      trueId: entry(nodes.trueIds, index),
      falseId: entry(nodes.falseIds, index),
      nanIsTrue: nodes.nanIsTrue[index] === 1,
      weights: mode === "LEAF" ? new Array(targets).fill(undefined) : noWeights,
    });
  }
  for (let index = 0; index < weights.trees.length; index += 1) {
    const node = trees.get(entry(weights.trees, index))?.get(entry(weights.ids, index));
    addWeight(node, entry(weights.targets, index), entry(weights.weights, index));
  }
  return trees;
}

function addWeight(node: ListedNode | undefined, target: number, weight: number): void {
  if (node === undefined) throw new Unsupported("a node that has a weight is missing");
  // ONNX Runtime ignores the weights of branches, too.
  if (node.mode !== "LEAF") return;
  if (!(target in node.weights)) throw new Unsupported(`a leaf has a weight for target ${target}`);
  if (Number.isNaN(weight)) throw new Unsupported("a leaf has a weight that is NaN");
  if (node.weights[target] !== undefined) {
    throw new Unsupported("a leaf has two weights for a target");
  }
  node.weights[target] = weight;
}

type CoveredTargets = ReadonlyMap<number, Coverage>;

/** The targets for which leaves of a tree have weights. */
function targetsOfLeaves(tree: ListedTree, targets: number): CoveredTargets {
  const leaves = [...tree.values()].filter(({ mode }) => mode === "LEAF");
  const covered = new Map<number, Coverage>();
  for (let target = 0; target < targets; target += 1) {
    const count = leaves.filter(({ weights }) => weights[target] !== undefined).length;
    if (count > 0) covered.set(target, count === leaves.length ? "all rows" : "some rows");
  }
  return covered;
}

/** @throws {Unsupported} if the nodes are not a tree, or the tree is too deep */
function linkNodes(
  listed: ListedTree,
  conditions: Conditions,
  weightsOf: (node: ListedNode) => readonly number[],
  targets: number,
): TreeNode {
  let linked = 0;
  const nodeAt = (id: number): ListedNode => {
    const node = listed.get(id);
    if (node === undefined) throw new Unsupported(`a branch goes to node ${id}, which is missing`);
    linked += 1;
    if (linked > listed.size) throw new Unsupported("branches of a tree go to the same node");
    return node;
  };
  const link = (id: number, depth: number): TreeNode => {
    if (depth > maxDepth) throw new Unsupported(`a tree is deeper than ${maxDepth} branches`);
    const node = nodeAt(id);
    if (node.mode === "LEAF") return leaf(weightsOf(node));
    // "Is one of these values" is a chain of branches that lead to the same node.
    const others: number[] = [];
    let { falseId } = node;
    let next = listed.get(falseId);
    while (continuesChoice(node, next, targets)) {
      others.push(nodeAt(falseId).threshold);
      ({ falseId } = next);
      next = listed.get(falseId);
    }
    const whenTrue = link(node.trueId, depth + 1);
    return conditions.branch(node, others, whenTrue, link(falseId, depth + 1));
  };
  const [root = -1] = listed.keys();
  return link(root, 0);
}

/**
 * Whether the next branch after a failed comparison tests another value of the same choice.
 *
 * @throws {Unsupported} if ONNX Runtime may merge two choices
 */
function continuesChoice(
  node: ListedNode,
  next: ListedNode | undefined,
  targets: number,
): next is ListedNode {
  const areTests = node.mode === "BRANCH_EQ" && next?.mode === "BRANCH_EQ";
  if (!areTests || node.feature !== next.feature) return false;
  const isSame = node.trueId === next.trueId;
  if (node.nanIsTrue !== next.nanIsTrue || (targets > 1 && !isSame)) {
    throw new Unsupported("successive comparisons of a column lead to several nodes");
  }
  return isSame;
}

/**
 * Turns the conditions of branches into `column ≤ threshold`, which NaN does not meet. If NaN must
 * meet it, and for equality, the branch tests a derived column.
 */
class Conditions {
  /** The columns that branches test. */
  readonly tested = new Set<Column>();
  readonly #columns: readonly Column[];
  readonly #derived = new Map<string, Column>();

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
  }

  /** @param others more values, besides the threshold, that the column may be equal to */
  branch(
    { mode, feature, threshold, nanIsTrue }: ListedNode,
    others: readonly number[],
    whenTrue: TreeNode,
    whenFalse: TreeNode,
  ): Branch {
    if (Number.isNaN(threshold)) throw new Unsupported("a branch compares with NaN");
    switch (mode) {
      case "BRANCH_LEQ":
        return this.#branch(this.#column(feature, nanIsTrue), threshold, whenTrue, whenFalse);
      case "BRANCH_LT": {
        const limit = nextBelow(threshold);
        return this.#branch(this.#column(feature, nanIsTrue), limit, whenTrue, whenFalse);
      }
      case "BRANCH_GT":
        return this.#branch(this.#column(feature, !nanIsTrue), threshold, whenFalse, whenTrue);
      case "BRANCH_GTE": {
        const limit = nextBelow(threshold);
        return this.#branch(this.#column(feature, !nanIsTrue), limit, whenFalse, whenTrue);
      }
      case "BRANCH_EQ": {
        const isOne = this.#isOneOf(feature, [threshold, ...others], nanIsTrue);
        return this.#branch(isOne, 0, whenFalse, whenTrue);
      }
      case "BRANCH_NEQ":
        return this.#branch(this.#isOneOf(feature, [threshold], false), 0, whenTrue, whenFalse);
      default:
        throw new Unsupported(`a branch has the mode ${mode}`);
    }
  }

  #branch(column: Column, threshold: number, atMost: TreeNode, above: TreeNode): Branch {
    this.tested.add(column);
    return branch(column, threshold, atMost, above);
  }

  /** @param nanIsAtMost whether NaN is at most every threshold, not above every threshold */
  #column(feature: number, nanIsAtMost: boolean): Column {
    const column = this.#columns[feature];
    if (column === undefined) {
      throw new Unsupported(`a branch tests column ${feature} of ${this.#columns.length}`);
    }
    return nanIsAtMost
      ? this.#derive(`${feature}`, () => replaceNaN(column, constant(-Infinity)))
      : column;
  }

  /** 1 in rows where a column has one of the values, otherwise 0. */
  #isOneOf(feature: number, values: readonly number[], nanIsOne: boolean): Column {
    return this.#derive(`${feature} ${values} ${nanIsOne}`, () => {
      const column = this.#column(feature, false);
      const tested = nanIsOne ? replaceNaN(column, constant(values[0] ?? 0)) : column;
      return values.reduce(
        (otherwise, value) => whereEqual(tested, constant(value), constant(1), otherwise),
        constant(0),
      );
    });
  }

  /** Branches with the same test share a column. */
  #derive(key: string, make: () => Column): Column {
    const column = this.#derived.get(key) ?? make();
    this.#derived.set(key, column);
    return column;
  }
}

/** Returns the next smaller float32: `x < value` is the same as `x ≤ nextBelow(value)`. */
function nextBelow(value: number): number {
  if (value === -Infinity) throw new Unsupported("a branch compares with -Infinity");
  if (value === 0) return -(2 ** -149);
  const float = new Float32Array([value]);
  const bits = new Int32Array(float.buffer);
  bits[0] = (bits[0] ?? 0) + (value > 0 ? -1 : 1);
  return float[0] ?? value;
}
