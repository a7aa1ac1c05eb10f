import { binary, type Column, constant, type Ensemble, unary, whereLess } from "./column.ts";
import { buildEnsemble, type Coverage } from "./ensemble.ts";
import type { OnnxNode } from "./onnx-file.ts";
import { Unsupported } from "./unsupported.ts";

// The operators of ai.onnx.ml that are made of trees. If the specification does not say what to
// compute, they do the same as ONNX Runtime.

/**
 * `TreeEnsembleRegressor`.
 *
 * @param features the columns that the trees test
 * @returns a column for each target
 * @throws {Unsupported} if it is of a kind that is not compiled
 */
export function treeEnsembleRegressor(node: OnnxNode, features: readonly Column[]): Column[] {
  const aggregate = text(node, "aggregate_function", "SUM");
  const targets = node.attributes.get("n_targets")?.int ?? 0;
  const base = floats(node, "base_values");
  const { ensemble, coverage } = readEnsemble(node, "target", features, aggregate, targets);
  const hasBase = base.length === targets;
  if ((aggregate !== "SUM" || hasBase) && coverage.some((covered) => covered !== "all rows")) {
    throw new Unsupported("some rows get no weight for a target");
  }
  const scores = scoresOf(ensemble).map((score, target) => {
    if (aggregate !== "AVERAGE") return add(score, hasBase ? base[target] : 0);
    const average = binary("divide", score, constant(ensemble.trees.length));
    // ONNX Runtime adds 0 to a single target, which turns -0 into 0, but not to several targets.
    return hasBase || targets === 1 ? add(average, hasBase ? base[target] : 0) : average;
  });
  const transform = text(node, "post_transform", "NONE");
  // ONNX Runtime ignores all transformations of a single target except PROBIT.
  return targets === 1 && transform !== "PROBIT" ? scores : transformed(scores, transform);
}

/**
 * The second output of `TreeEnsembleClassifier`: the probabilities.
 *
 * @param features the columns that the trees test
 * @returns a column for each class
 * @throws {Unsupported} if it is of a kind that is not compiled
 */
export function treeEnsembleClassifier(node: OnnxNode, features: readonly Column[]): Column[] {
  const labels = node.attributes.get("classlabels_strings")?.texts ?? [];
  const classes = labels.length || ints(node, "classlabels_int64s").length;
  const base = floats(node, "base_values");
  const { ensemble, coverage } = readEnsemble(node, "class", features, "SUM", classes);
  const scores = scoresOf(ensemble);
  const transform = text(node, "post_transform", "NONE");
  const [score, second] = scores;
  if (score === undefined || second === undefined) {
    throw new Unsupported("a classifier with a single class");
  }
  if (classes > 2) {
    if (base.length !== 0 && base.length !== classes) {
      throw new Unsupported(`${base.length} base values for ${classes} classes`);
    }
    const based = scores.map((each, index) =>
      coverage[index] === "no row" ? constant(base[index] ?? 0) : add(each, base[index]),
    );
    return transformed(based, transform);
  }
  if (coverage.join() === "all rows,no row" && base.length < 2) {
    const isMixed = floats(node, "class_weights").some((weight) => weight < 0);
    return ofOneScore(add(score, base[0] ?? 0), transform, isMixed);
  }
  if (coverage.every((covered) => covered === "all rows") && base.length === 0) {
    return transformed(scores, transform);
  }
  throw new Unsupported("a classifier of two classes with unusual weights or base values");
}

/** The probabilities of two classes from the score of one of them. */
function ofOneScore(score: Column, transform: string, hasNegativeWeights: boolean): Column[] {
  const negated = unary("negate", score);
  if (transform === "LOGISTIC") return [logistic(negated), logistic(score)];
  if (transform !== "NONE" && transform !== "SOFTMAX") return transformed([score], transform);
  return [hasNegativeWeights ? negated : binary("subtract", constant(1), score), score];
}

function transformed(scores: readonly Column[], transform: string): Column[] {
  switch (transform) {
    case "NONE":
      return [...scores];
    case "LOGISTIC":
      return scores.map(logistic);
    case "SOFTMAX":
      return softmax(scores);
    default:
      throw new Unsupported(`post_transform ${transform}`);
  }
}

function logistic(score: Column): Column {
  const power = unary("exp", unary("negate", unary("absolute", score)));
  const ofPositive = binary("divide", constant(1), binary("add", constant(1), power));
  const ofNegative = binary("subtract", constant(1), ofPositive);
  return { ...whereLess(score, constant(0), ofNegative, ofPositive), margin: score };
}

function softmax(scores: readonly Column[]): Column[] {
  const largest = scores.reduce((a, b) => binary("larger", a, b), constant(-Infinity));
  const powers = scores.map((score) => unary("exp", binary("subtract", score, largest)));
  const total = powers.reduce((a, b) => binary("add", a, b), constant(0));
  return powers.map((power, index) => ({
    ...binary("divide", power, total),
    margin: scores[index],
  }));
}

function readEnsemble(
  node: OnnxNode,
  weightsPrefix: "target" | "class",
  features: readonly Column[],
  aggregate: string,
  targets: number,
): { readonly ensemble: Ensemble; readonly coverage: readonly Coverage[] } {
  const unread = [...node.attributes.keys()].find((name) => name.endsWith("_as_tensor"));
  if (unread !== undefined) throw new Unsupported(`attribute ${unread}`);
  return buildEnsemble(
    {
      trees: ints(node, "nodes_treeids"),
      ids: ints(node, "nodes_nodeids"),
      modes: node.attributes.get("nodes_modes")?.texts ?? [],
      features: ints(node, "nodes_featureids"),
      thresholds: floats(node, "nodes_values"),
      trueIds: ints(node, "nodes_truenodeids"),
      falseIds: ints(node, "nodes_falsenodeids"),
      nanIsTrue: ints(node, "nodes_missing_value_tracks_true"),
    },
    {
      trees: ints(node, `${weightsPrefix}_treeids`),
      ids: ints(node, `${weightsPrefix}_nodeids`),
      targets: ints(node, `${weightsPrefix}_ids`),
      weights: floats(node, `${weightsPrefix}_weights`),
    },
    features,
    combinationOf(aggregate),
    targets,
  );
}

function combinationOf(aggregate: string): Ensemble["combination"] {
  switch (aggregate) {
    case "SUM":
    case "AVERAGE":
      return "sum";
    case "MIN":
      return "minimum";
    case "MAX":
      return "maximum";
    default:
      throw new Unsupported(`aggregate_function ${aggregate}`);
  }
}

function scoresOf(ensemble: Ensemble): Column[] {
  return Array.from({ length: ensemble.targets }, (_, target) => ({
    kind: "score",
    ensemble,
    target,
  }));
}

function add(column: Column, value = 0): Column {
  return binary("add", column, constant(value));
}

function text(node: OnnxNode, name: string, byDefault: string): string {
  return node.attributes.get(name)?.text ?? byDefault;
}

function ints(node: OnnxNode, name: string): readonly number[] {
  return node.attributes.get(name)?.ints ?? [];
}

function floats(node: OnnxNode, name: string): readonly number[] {
  return node.attributes.get(name)?.floats ?? [];
}
