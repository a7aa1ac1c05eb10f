import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { fc } from "../../../test/seeded-fast-check.ts";
import { compileTrees } from "../../src/trees/compile-trees.ts";
import type { TreeModelOptions } from "../../src/trees/tree-model.ts";
import { ensembleNode, type TestBranch, type TestEnsemble } from "./ensembles.ts";
import { type Attribute, type Graph, type Node, onnxFile } from "./onnx-writer.ts";
import { compiled } from "./reference.ts";

const stump: TestBranch = {
  mode: "BRANCH_LEQ",
  feature: 0,
  value: 0.5,
  nanIsTrue: false,
  whenTrue: { weights: [1, 2, 3] },
  whenFalse: { weights: [-1, 4, 5] },
};

const regressor: TestEnsemble = {
  operator: "TreeEnsembleRegressor",
  trees: [stump],
  targets: 1,
};

const classifier: TestEnsemble = {
  operator: "TreeEnsembleClassifier",
  trees: [stump],
  targets: 3,
};

/** Returns a chain of two tests for equality that lead to the same leaf. */
function choiceOf(first: Partial<TestBranch>, second: Partial<TestBranch>): TestBranch {
  const isEqual = { ...stump, mode: "BRANCH_EQ" };
  return { ...isEqual, ...first, whenFalse: { ...isEqual, ...second, value: 2 } };
}

/** Returns a graph of one ensemble, with some attributes replaced. */
function graphOf(ensemble: TestEnsemble, attributes: Record<string, Attribute> = {}): Graph {
  const node = ensembleNode(ensemble);
  return {
    inputs: { features: { type: "float", columns: 2 } },
    outputs: ensemble.operator === "TreeEnsembleClassifier" ? ["label", "scores"] : ["scores"],
    nodes: [{ ...node, attributes: { ...node.attributes, ...attributes } }],
  };
}

/** Returns the graph of a regressor on the output of a node. */
function graphBehind(node: Omit<Node, "outputs">, rest: Partial<Graph> = {}): Graph {
  return {
    inputs: { input: { type: "float", columns: 2 } },
    outputs: ["scores"],
    ...rest,
    nodes: [{ ...node, outputs: ["features"] }, ensembleNode(regressor)],
  };
}

function reasonOf(graph: Graph, options?: TreeModelOptions): string {
  const result = compileTrees(onnxFile(graph), options);
  return "reason" in result ? result.reason : "it is compiled";
}

describe("trees are not compiled", () => {
  const ofRegressor = "operator TreeEnsembleRegressor: ";
  const ofClassifier = "operator TreeEnsembleClassifier: ";
  const cases: Readonly<Record<string, readonly [graph: Graph, reason: string]>> = {
    "with an unknown condition": [
      graphOf({ ...regressor, trees: [{ ...stump, mode: "BRANCH_MEMBER" }] }),
      `${ofRegressor}a branch has the mode BRANCH_MEMBER`,
    ],
    "that compare with NaN": [
      graphOf({ ...regressor, trees: [{ ...stump, value: NaN }] }),
      `${ofRegressor}a branch compares with NaN`,
    ],
    "that compare for less than -Infinity": [
      graphOf({ ...regressor, trees: [{ ...stump, mode: "BRANCH_LT", value: -Infinity }] }),
      `${ofRegressor}a branch compares with -Infinity`,
    ],
    "that test a missing column": [
      graphOf({ ...regressor, trees: [{ ...stump, feature: 2 }] }),
      `${ofRegressor}a branch tests column 2 of 2`,
    ],
    "whose branches lead to the same node": [
      graphOf({ ...regressor, trees: [{ ...stump, whenFalse: stump.whenTrue }] }),
      `${ofRegressor}branches of a tree go to the same node`,
    ],
    "whose branches lead in a circle": [
      graphOf(regressor, { nodes_truenodeids: { ints: [0, 0, 0] } }),
      `${ofRegressor}branches of a tree go to the same node`,
    ],
    "whose chain of values leads in a circle": [
      graphOf(
        { ...regressor, trees: [{ ...stump, mode: "BRANCH_EQ" }] },
        { nodes_falsenodeids: { ints: [0, 0, 0] } },
      ),
      `${ofRegressor}branches of a tree go to the same node`,
    ],
    "with successive comparisons that differ for NaN": [
      graphOf({ ...regressor, trees: [choiceOf({ nanIsTrue: true }, { nanIsTrue: false })] }),
      `${ofRegressor}successive comparisons of a column lead to several nodes`,
    ],
    "with several targets and successive comparisons that lead to several nodes": [
      graphOf({ ...classifier, trees: [choiceOf({}, { whenTrue: { weights: [1, 2, 3] } })] }),
      `${ofClassifier}successive comparisons of a column lead to several nodes`,
    ],
    "that compare several columns and lead to one node": [
      graphOf({ ...regressor, trees: [choiceOf({ feature: 0 }, { feature: 1 })] }),
      `${ofRegressor}branches of a tree go to the same node`,
    ],
    "with a missing node": [
      graphOf(regressor, { nodes_truenodeids: { ints: [7, 0, 0] } }),
      `${ofRegressor}a branch goes to node 7, which is missing`,
    ],
    "whose nodes are not listed together": [
      graphOf(regressor, { nodes_treeids: { ints: [0, 1, 0] } }),
      `${ofRegressor}the nodes of tree 0 are not together`,
    ],
    "whose lists differ in length": [
      graphOf(regressor, { nodes_values: { floats: [0.5] } }),
      `${ofRegressor}the lists of the trees differ in length`,
    ],
    "with weights of a missing node": [
      graphOf(regressor, { target_nodeids: { ints: [1, 3] } }),
      `${ofRegressor}a node that has a weight is missing`,
    ],
    "with two weights in a leaf for one target": [
      graphOf(regressor, { target_nodeids: { ints: [1, 1] } }),
      `${ofRegressor}a leaf has two weights for a target`,
    ],
    "with weights for a missing target": [
      graphOf(regressor, { target_ids: { ints: [0, 1] } }),
      `${ofRegressor}a leaf has a weight for target 1`,
    ],
    "with weights that are NaN": [
      graphOf({ ...regressor, trees: [{ ...stump, whenTrue: { weights: [NaN] } }] }),
      `${ofRegressor}a leaf has a weight that is NaN`,
    ],
    "of 65 targets": [
      graphOf({ ...regressor, targets: 65 }),
      `${ofRegressor}the trees have 65 targets; the limit is 64`,
    ],
    "with an unknown aggregate": [
      graphOf({ ...regressor, aggregate: "MEDIAN" }),
      `${ofRegressor}aggregate_function MEDIAN`,
    ],
    "that give base values to targets without weights": [
      graphOf({ ...regressor, targets: 2, targetsOf: () => [0], base: [1, 2] }),
      `${ofRegressor}some rows get no weight for a target`,
    ],
    "in double precision": [
      graphOf(regressor, { nodes_values_as_tensor: { floats: [] } }),
      `${ofRegressor}attribute nodes_values_as_tensor`,
    ],
    "with PROBIT": [
      graphOf({ ...regressor, transform: "PROBIT" }),
      `${ofRegressor}post_transform PROBIT`,
    ],
    "with SOFTMAX_ZERO": [
      graphOf({ ...classifier, transform: "SOFTMAX_ZERO" }),
      `${ofClassifier}post_transform SOFTMAX_ZERO`,
    ],
    "of a single class": [
      graphOf({ ...classifier, targets: 1 }),
      `${ofClassifier}a classifier with a single class`,
    ],
    "with base values for some classes": [
      graphOf({ ...classifier, base: [1, 2] }),
      `${ofClassifier}2 base values for 3 classes`,
    ],
    "of two classes with two base values": [
      graphOf({ ...classifier, targets: 2, base: [1, 2] }),
      `${ofClassifier}a classifier of two classes with unusual weights or base values`,
    ],
  };

  test.each(Object.entries(cases))("trees %s are not compiled", (_, [graph, reason]) => {
    expect(reasonOf(graph)).toBe(reason);
  });
});

describe("a graph is not compiled", () => {
  const alongColumns = { axis: { int: 1 } };
  const constants = {
    row: { type: "float", dimensions: [1, 2], values: [1, 2] },
    column: { type: "float", dimensions: [2, 1], values: [1, 2] },
    indices: { type: "int64", dimensions: [1], values: [1] },
    square: { type: "int64", dimensions: [1, 1], values: [1] },
    zero: { type: "float", dimensions: [1, 1], values: [-0] },
    one: { type: "float", dimensions: [], values: [1] },
    wide: { type: "int64", dimensions: [2], values: [-1, 1] },
    beyond: { type: "int64", dimensions: [1], values: [2] },
  } as const;
  const ml = { domain: "ai.onnx.ml" } as const;
  const inputs = ["input"];
  const cases: Readonly<Record<string, readonly [node: Omit<Node, "outputs">, reason: string]>> = {
    "with an unknown operator": [{ operator: "Exp", inputs }, "operator Exp is not compiled"],
    "with an operator of another domain": [
      { operator: "Add", inputs: ["input", "row"], ...ml },
      "operator Add is not compiled",
    ],
    "that gathers rows": [
      { operator: "Gather", inputs: ["input", "indices"] },
      "operator Gather: it does not gather columns",
    ],
    "that gathers by a matrix": [
      { operator: "Gather", inputs: ["input", "square"], attributes: alongColumns },
      "operator Gather: it does not gather columns",
    ],
    "that gathers by a value that is not a constant": [
      { operator: "Gather", inputs: ["input", "input"], attributes: alongColumns },
      "operator Gather: an input is not a constant",
    ],
    "that gathers a missing column": [
      { operator: "ArrayFeatureExtractor", inputs: ["input", "beyond"], ...ml },
      "operator ArrayFeatureExtractor: column 2 of 2 is used",
    ],
    "that mixes rows": [
      { operator: "Reshape", inputs: ["input", "wide"] },
      "operator Reshape: [N, 2] becomes [-1, 1]",
    ],
    "that puts rows below each other": [
      { operator: "Concat", inputs: ["input", "input"], attributes: { axis: { int: 0 } } },
      "operator Concat: it does not put tables of one type next to each other",
    ],
    "that adds a constant for each row": [
      { operator: "Add", inputs: ["input", "column"] },
      "operator Add: a constant is not a row of float32",
    ],
    "that adds integers": [
      { operator: "Add", inputs: ["input", "indices"] },
      "operator Add: a constant is not a row of float32",
    ],
    "that adds 0, which ONNX Runtime leaves out": [
      { operator: "Add", inputs: ["zero", "input"] },
      "operator Add: it adds 0",
    ],
    "that divides 1, since ONNX Runtime may rewrite the quotient": [
      { operator: "Div", inputs: ["one", "input"] },
      "operator Div: it divides 1",
    ],
    "of constants only": [
      { operator: "Add", inputs: ["row", "row"] },
      "operator Add: all inputs are constants",
    ],
    "that casts to double precision": [
      { operator: "Cast", inputs, attributes: { to: { int: 11 } } },
      "operator Cast: from float to the element type 11",
    ],
    "that rounds to integers": [
      { operator: "Cast", inputs, attributes: { to: { int: 7 } } },
      "operator Cast: from float to the element type 7",
    ],
    "that flattens everything": [
      { operator: "Flatten", inputs, attributes: { axis: { int: 0 } } },
      "operator Flatten: the axis is 0",
    ],
    "that squeezes rows": [
      { operator: "Squeeze", inputs: ["input", "row"] },
      "operator Squeeze: the axes are [1, 2]",
    ],
    "that scales a different number of columns": [
      { operator: "Scaler", inputs, ...ml, attributes: { offset: { floats: [1, 2, 3] } } },
      "operator Scaler: offset has 3 values for 2 columns",
    ],
    "that encodes several columns": [
      { operator: "OneHotEncoder", inputs, ...ml },
      "operator OneHotEncoder: the input is not one column",
    ],
    "that uses a missing value": [
      { operator: "Identity", inputs: ["nothing"] },
      "the value nothing is not compiled",
    ],
  };

  test.each(Object.entries(cases))("a graph %s is not compiled", (_, [node, reason]) => {
    expect(reasonOf(graphBehind(node, { constants }))).toBe(reason);
  });

  test("a graph that fails on the unknown integers of an encoder is not compiled", () => {
    const node = { operator: "OneHotEncoder", ...ml, inputs, attributes: { zeros: { int: 0 } } };
    const rooms = { input: { type: "int64", columns: 1 } } as const;
    const reason = "operator OneHotEncoder: it fails on an unknown integer";
    expect(reasonOf(graphBehind(node, { inputs: rooms }))).toBe(reason);
  });

  test("a graph that fails on a category of the model is not compiled", () => {
    const attributes = { zeros: { int: 0 }, cats_strings: { texts: ["Nord"] } };
    const node = { operator: "OneHotEncoder", ...ml, inputs, attributes };
    const district = { input: { type: "string", columns: 1 } } as const;
    const options = { categories: new Map([["input", ["Nord", "Süd"]]]) };
    const reason = 'operator OneHotEncoder: it fails on the category "Süd"';
    expect(reasonOf(graphBehind(node, { inputs: district }), options)).toBe(reason);
  });

  test("a graph with an input of strings that are not known is not compiled", () => {
    const node = { operator: "OneHotEncoder", ...ml, inputs };
    const district = { input: { type: "string", columns: 1 } } as const;
    expect(reasonOf(graphBehind(node, { inputs: district }))).toBe(
      "the categories of input input are not known",
    );
  });

  test("a graph with a computation that is nested too deeply is not compiled", () => {
    const node = { operator: "Sum", inputs: new Array(50_000).fill("input") };
    expect(reasonOf(graphBehind(node))).toBe("Maximum call stack size exceeded");
  });

  test("a graph with an input of doubles is not compiled", () => {
    const inputs = { features: { type: "double", columns: 2 } } as const;
    expect(reasonOf({ ...graphOf(regressor), inputs })).toBe(
      "input features is not a table of float32, integers, booleans or strings",
    );
  });

  test("a graph with more columns than the limit is not compiled", () => {
    const inputs = { features: { type: "float", columns: 10_001 } } as const;
    expect(reasonOf({ ...graphOf(regressor), inputs })).toBe(
      "input features has 10001 columns; the limit is 10000",
    );
  });

  test("a graph without trees is not compiled", () => {
    const graph: Graph = {
      inputs: { input: { type: "float", columns: 2 } },
      outputs: ["input"],
      nodes: [],
    };
    expect(reasonOf(graph)).toBe("the output is not computed by trees");
  });

  test("the label of a classifier is not compiled", () => {
    expect(reasonOf(graphOf(classifier), { output: "label" })).toBe(
      "the value label is not compiled",
    );
  });

  test("a graph is not compiled for a missing output", () => {
    expect(reasonOf(graphOf(regressor), { output: "price" })).toBe("the graph has no output price");
  });

  test("a graph is not compiled for missing inputs, or for only some of its inputs", () => {
    expect(reasonOf(graphOf(regressor), { inputs: ["houses"] })).toBe(
      "the graph has no input houses",
    );
    expect(reasonOf(graphOf(regressor), { inputs: [] })).toBe("0 of the 1 inputs are given");
  });
});

describe("a malformed file", () => {
  const file = readFileSync(
    path.join(import.meta.dirname, "../../../model/california-housing.onnx"),
  );

  test("a file is not compiled if it is empty, or cut off anywhere", () => {
    expect(compileTrees(new Uint8Array())).toEqual({ reason: "the file has no graph" });
    const cuts = fc.nat(file.length - 1);
    fc.assert(
      fc.property(cuts, (length) => {
        expect(compileTrees(file.subarray(0, length))).toHaveProperty("reason");
      }),
      { numRuns: 200 },
    );
  });

  test("a malformed file never makes the compiler throw", () => {
    const small = onnxFile(graphOf({ ...classifier, transform: "SOFTMAX" }));
    const change = fc.tuple(fc.nat(small.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        const changed = Uint8Array.from(small);
        for (const [index, byte] of changes) changed[index] = byte;
        expect(compileTrees(changed)).toBeTypeOf("object");
      }),
      { numRuns: 2000 },
    );
  });
});

test("a matrix that ends in the middle of a row is rejected", () => {
  const predict = compiled(onnxFile(graphOf(regressor)));
  expect(() => predict(new Float32Array(3))).toThrow("3 numbers are not whole rows of 2 columns");
  expect(predict(new Float32Array())).toEqual(new Float32Array());
});
