import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect } from "vitest";
import { z } from "zod";
import { testNeeding } from "../../../test/prerequisite.ts";
import { hasPython, pythonEnvironment } from "../../../test/python-environment.ts";
import { readCovers } from "../../src/explain/covers.ts";
import {
  countCovers,
  type ExplainedTrees,
  explainedTrees,
} from "../../src/explain/explained-trees.ts";
import { Explanations } from "../../src/explain/explanations.ts";
import { drawTypicalRows } from "../../src/explain/typical-rows.ts";
import { readOnnxGraph } from "../../src/trees/onnx-file.ts";
import { readTreeModel, type TreeModelOptions } from "../../src/trees/tree-model.ts";
import { houseCard, houseTrees, modelPath } from "../house-model.ts";

const packages = join(import.meta.dirname, "python-packages.txt");
const timeoutMs = 600_000;
const models = join(import.meta.dirname, "../../../../shared/models");
const rows = 20;

const Answers = z.array(z.object({ baseline: z.number(), values: z.array(z.number()) }));

beforeAll(() => {
  if (hasPython) pythonEnvironment("shap", packages);
}, timeoutMs);

/**
 * Asks shap for the Shapley values of rows.
 *
 * @param matrix rows × features
 */
function askShap(
  { trees, players, features, columns, outputs, scores }: ExplainedTrees,
  covers: Uint32Array,
  matrix: Float32Array,
) {
  const [summands = []] = scores;
  let next = 0;
  const described = trees.map((tree, index) => {
    const { tested, above } = tree;
    const counts = Array<number>(tested.length).fill(0);
    for (const leaf of tree.leaves) counts[leaf] = covers[next++] ?? 0;
    for (let node = tested.length - 1; node >= 0; node--) {
      if (tested[node] === -1) continue;
      counts[node] = (counts[node + 1] ?? 0) + (counts[above[node] ?? 0] ?? 0);
    }
    return {
      left: Array.from(tested, (test, node) => (test === -1 ? -1 : node + 1)),
      right: Array.from(tested, (test, node) => (test === -1 ? -1 : above[node])),
      players: [...tree.players],
      values: [...(summands.find((summand) => summand.tree === index)?.weights ?? [])],
      rows: counts,
    };
  });
  const ways = Array.from({ length: matrix.length / features }, (_, row) => {
    const values = columns.compute(matrix.subarray(row * features, (row + 1) * features));
    return trees.map(({ tested, thresholds }) =>
      Array.from(tested, (test, node) => (values[test] ?? 0) <= (thresholds[node] ?? 0)),
    );
  });
  const question = { trees: described, players: players.length, rows: ways };
  const python = join(pythonEnvironment("shap", packages), "python");
  const script = join(import.meta.dirname, "shap_values.py");
  const text = execFileSync(python, [script], {
    input: JSON.stringify(question),
    maxBuffer: 2 ** 26,
  });
  const [{ base = 0, factors = new Map() } = {}] = outputs;
  const factor = factors.get(0) ?? 0;
  return Answers.parse(JSON.parse(text.toString())).map(({ baseline, values }) => {
    const contributions = Array<number>(features).fill(0);
    for (const [player, members] of players.entries()) {
      for (const feature of members) {
        const share = (factor * (values[player] ?? 0)) / members.length;
        contributions[feature] = (contributions[feature] ?? 0) + share;
      }
    }
    return [base + factor * baseline, ...contributions];
  });
}

/** Compares the baseline and the contributions to the first output of a model. */
function expectSameAsShap(
  path: string,
  matrix: Float32Array,
  coversOf: (trees: ExplainedTrees) => Uint32Array,
  options: TreeModelOptions = {},
) {
  const trees = explainedTrees(readTreeModel(readOnnxGraph(readFileSync(path)), options));
  const covers = coversOf(trees);
  const explained = new Explanations(trees, covers).explain(matrix);
  const outputs = trees.outputs.length;
  const size = outputs * (2 + trees.features);
  const expected = askShap(trees, covers, matrix);
  expect(expected).toHaveLength(rows);
  for (const [row, values] of expected.entries()) {
    const found = values.map((_, index) => explained[row * size + outputs * (1 + index)] ?? 0);
    for (const [index, value] of values.entries()) {
      expect(found[index], `row ${row}, number ${index}`).toBeCloseTo(value, 4);
    }
  }
}

testNeeding(hasPython)(
  "the contributions of the committed model are those of the package shap",
  { timeout: timeoutMs },
  () =>
    expectSameAsShap(
      modelPath,
      drawTypicalRows(houseCard.features, rows),
      // The package shap refuses leaves that no row reaches.
      ({ leaves }) => readCovers(houseCard.covers ?? "", leaves).map((cover) => Math.max(cover, 1)),
      houseTrees,
    ),
);

/** Returns the features of a model's training rows. */
function trainingRows(name: string, columns: number): Float32Array {
  const lines = readFileSync(join(models, `${name}.csv`), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1);
  return Float32Array.from(lines.flatMap((line) => line.split(",").slice(0, columns).map(Number)));
}

testNeeding(hasPython && existsSync(models)).each([
  ["wine-lightgbm", 13],
  ["cancer-xgboost-classifier", 30],
] as const)(
  "the contributions of %s are those of the package shap",
  { timeout: timeoutMs },
  (name, columns) => {
    const training = trainingRows(name, columns);
    expectSameAsShap(join(models, `${name}.onnx`), training.subarray(0, rows * columns), (trees) =>
      countCovers(trees, training),
    );
  },
);
