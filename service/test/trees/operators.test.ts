import { expect, test } from "vitest";
import { fc } from "../../../test/seeded-fast-check.ts";
import { cell, ensembleNode, finite } from "./ensembles.ts";
import { type Attribute, type Constant, type Input, type Node, onnxFile } from "./onnx-writer.ts";
import {
  compiled,
  expectReferenceBits,
  makeBooleans,
  makeIntegers,
  makeStrings,
} from "./reference.ts";

type Nodes = readonly Node[];
type Constants = Readonly<Record<string, Constant>>;

/** Returns a node with one output. The default domain is ai.onnx. */
function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
  domain?: "ai.onnx.ml",
): Node {
  return { operator, inputs, outputs: [output], attributes, ...(domain && { domain }) };
}

function floats(dimensions: readonly number[], values: readonly number[]): Constant {
  return { type: "float", dimensions, values };
}

function ints(values: readonly number[], dimensions = [values.length]): Constant {
  return { type: "int64", dimensions, values };
}

/**
 * Returns a file whose output consists of the value `table` and a score, so that it is a model of
 * trees. Its input `features` has three columns.
 */
function fileOf(
  nodes: Nodes,
  constants: Constants = {},
  inputs: Readonly<Record<string, Input>> = {},
): Uint8Array {
  const score = ensembleNode({
    operator: "TreeEnsembleRegressor",
    targets: 1,
    trees: [{ weights: [1] }],
  });
  return onnxFile({
    inputs: { features: { type: "float", columns: 3 }, ...inputs },
    outputs: ["output"],
    constants,
    nodes: [...nodes, score, node("Concat", ["table", "scores"], "output", { axis: { int: 1 } })],
  });
}

const edges = [NaN, Infinity, -Infinity, 0, -0, 2 ** -149, 3e38, -1.5, 1, 7];

/** Rows with the smallest and largest float32 numbers, in every combination of two neighbours. */
function edgeRows(columns: number): Float32Array {
  return Float32Array.from({ length: 100 * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    return edges[(column % 2 === 0 ? row : Math.floor(row / edges.length)) % edges.length] ?? 0;
  });
}

const alongColumns = { axis: { int: 1 } };

const cases: Readonly<Record<string, { nodes: Nodes; constants?: Constants }>> = {
  Identity: { nodes: [node("Identity", ["features"], "table")] },
  "Cast from float32 to float32": {
    nodes: [node("Cast", ["features"], "table", { to: { int: 1 } })],
  },
  "Gather of columns in a different order, one of them counted from the end": {
    nodes: [node("Gather", ["features", "indices"], "table", alongColumns)],
    constants: { indices: ints([2, 0, -2]) },
  },
  "Gather of one column as a vector, which Reshape makes a table": {
    nodes: [
      node("Gather", ["features", "index"], "vector", alongColumns),
      node("Mul", ["vector", "factor"], "product"),
      node("Reshape", ["product", "shape"], "table"),
    ],
    constants: { index: ints([1], []), factor: floats([1], [0.3]), shape: ints([-1, 1]) },
  },
  ArrayFeatureExtractor: {
    nodes: [node("ArrayFeatureExtractor", ["features", "indices"], "table", {}, "ai.onnx.ml")],
    constants: { indices: ints([1, 2]) },
  },
  "Slice from the second column to beyond the last": {
    nodes: [node("Slice", ["features", "starts", "ends", "axes"], "table")],
    constants: { starts: ints([1]), ends: ints([2 ** 31]), axes: ints([1]) },
  },
  "Slice of the second to last column": {
    nodes: [node("Slice", ["features", "starts", "ends", "axes", "steps"], "table")],
    constants: { starts: ints([-2]), ends: ints([-1]), axes: ints([-1]), steps: ints([1]) },
  },
  "Concat of a table with itself": {
    nodes: [node("Concat", ["features", "features"], "table", alongColumns)],
  },
  "Reshape to the same columns": {
    nodes: [node("Reshape", ["features", "shape"], "table")],
    constants: { shape: ints([0, -1]) },
  },
  Flatten: { nodes: [node("Flatten", ["features"], "table")] },
  "Squeeze of a column, which Reshape makes a table": {
    nodes: [
      node("Gather", ["features", "index"], "column", alongColumns),
      node("Squeeze", ["column", "axes"], "vector"),
      node("Reshape", ["vector", "shape"], "table"),
    ],
    constants: { index: ints([2]), axes: ints([1]), shape: ints([-1, 1]) },
  },
  "Sub of a row of constants": {
    nodes: [node("Sub", ["features", "row"], "table")],
    constants: { row: floats([1, 3], [0.1, -0, 3e38]) },
  },
  "Div of a single constant by a table": {
    nodes: [node("Div", ["three", "features"], "table")],
    constants: { three: floats([], [3]) },
  },
  "Mul of a table by one of its columns": {
    nodes: [
      node("Gather", ["features", "index"], "column", alongColumns),
      node("Mul", ["features", "column"], "table"),
    ],
    constants: { index: ints([1]) },
  },
  "Sum of three tables": { nodes: [node("Sum", ["features", "features", "features"], "table")] },
  "Scaler with an offset and a scale for each column": {
    nodes: [
      node(
        "Scaler",
        ["features"],
        "table",
        { offset: { floats: [1, 0.1, -3] }, scale: { floats: [0.3, 1e30, -0] } },
        "ai.onnx.ml",
      ),
    ],
  },
  "Scaler with one offset and one scale": {
    nodes: [
      node(
        "Scaler",
        ["features"],
        "table",
        { offset: { floats: [0.7] }, scale: { floats: [3] } },
        "ai.onnx.ml",
      ),
    ],
  },
  "Imputer of NaN": {
    nodes: [
      node(
        "Imputer",
        ["features"],
        "table",
        { imputed_value_floats: { floats: [5, 6, -0] }, replaced_value_float: { float: NaN } },
        "ai.onnx.ml",
      ),
    ],
  },
  "Imputer of a number": {
    nodes: [
      node(
        "Imputer",
        ["features"],
        "table",
        { imputed_value_floats: { floats: [9] }, replaced_value_float: { float: 7 } },
        "ai.onnx.ml",
      ),
    ],
  },
};

test.each(Object.entries(cases))("%s gives the bits of ONNX Runtime", async (_, example) => {
  await expectReferenceBits(fileOf(example.nodes, example.constants), edgeRows(3));
});

test("any chain of arithmetic gives the bits of ONNX Runtime", async () => {
  const operand = fc.oneof(
    fc.constant("features"),
    fc.tuple(finite, finite, finite).map((values) => floats([1, 3], values)),
    // Some operators with a single 0 or 1 are not compiled.
    finite.filter((value) => value !== 0 && value !== 1).map((value) => floats([], [value])),
  );
  const step = fc.record({
    operator: fc.constantFrom("Add", "Sub", "Mul", "Div"),
    operand,
    isOperandFirst: fc.boolean(),
  });
  const chains = fc.array(step, { minLength: 1, maxLength: 8 });
  const rows = fc.array(fc.tuple(cell([1]), cell([2]), cell([3])), { minLength: 1, maxLength: 40 });
  const property = fc.asyncProperty(chains, rows, async (chain, cells) => {
    const constants: Record<string, Constant> = {};
    const nodes = chain.map((each, index) => {
      const before = index === 0 ? "features" : `value${index}`;
      const after = index === chain.length - 1 ? "table" : `value${index + 1}`;
      const other = typeof each.operand === "string" ? each.operand : `constant${index}`;
      if (typeof each.operand !== "string") constants[other] = each.operand;
      return node(each.operator, each.isOperandFirst ? [other, before] : [before, other], after);
    });
    await expectReferenceBits(fileOf(nodes, constants), Float32Array.from(cells.flat()));
  });
  await fc.assert(property, { numRuns: 150 });
});

test("columns of integers and booleans contain numbers", async () => {
  const file = fileOf(
    [
      node("Cast", ["rooms"], "roomsAsFloats", { to: { int: 1 } }),
      node("Cast", ["lift"], "liftAsFloats", { to: { int: 1 } }),
      node(
        "Scaler",
        ["rooms"],
        "scaled",
        { offset: { floats: [0.5] }, scale: { floats: [0.1] } },
        "ai.onnx.ml",
      ),
      node(
        "OneHotEncoder",
        ["rooms"],
        "encoded",
        { cats_int64s: { ints: [3, -2] }, zeros: { int: 1 } },
        "ai.onnx.ml",
      ),
      node("Squeeze", ["encoded", "axes"], "hot"),
      node("Concat", ["roomsAsFloats", "liftAsFloats", "scaled", "hot"], "table", alongColumns),
    ],
    { axes: ints([1]) },
    { rooms: { type: "int64", columns: 1 }, lift: { type: "bool", columns: 1 } },
  );
  const matrix = Float32Array.from(
    [3, -2, 0, 2 ** 24].flatMap((rooms, index) => [0, 0, 0, rooms, index % 2]),
  );
  const make = { rooms: makeIntegers, lift: makeBooleans };
  await expectReferenceBits(file, matrix, { make });
});

test("columns of strings contain the indices of categories", async () => {
  const file = fileOf(
    [
      node(
        "OneHotEncoder",
        ["district"],
        "encoded",
        { cats_strings: { texts: ["Süd", "old town"] }, zeros: { int: 1 } },
        "ai.onnx.ml",
      ),
      node("Reshape", ["encoded", "shape"], "table"),
    ],
    { shape: ints([-1, 2]) },
    { district: { type: "string", columns: 1 } },
  );
  const categories = ["Nord", "old town", "Süd"];
  const matrix = Float32Array.from([0, 1, 2, 1].flatMap((index) => [0, 0, 0, index]));
  await expectReferenceBits(file, matrix, {
    categories: new Map([["district", categories]]),
    make: { district: makeStrings(categories) },
  });
});

test("inputs take the columns of the matrix in the given order", async () => {
  const file = fileOf(
    [node("Identity", ["area"], "table")],
    {},
    { area: { type: "float", columns: 1 } },
  );
  const predict = compiled(file, { inputs: ["area", "features"] });
  expect([...predict(Float32Array.of(5, 1, 2, 3))]).toEqual([5, 1]);
});
