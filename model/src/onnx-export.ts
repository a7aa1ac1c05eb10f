import { create, toBinary } from "@bufbuild/protobuf";
import { type Ensemble, type TreeNode, treeNodes } from "./ensemble.ts";
import type { FeatureProgram, Operation } from "./feature-program.ts";
import { ModelProtoSchema, type NodeProto, type TensorProto } from "./generated/onnx_pb.ts";
import {
  floatTable,
  type NodeDescription,
  node,
  rowOfFloats,
  vectorOfIntegers,
} from "./onnx-nodes.ts";

type Lookup = Extract<Operation, { readonly op: "Lookup" }>;

const irVersion = 8n;
const operatorSets = [
  { domain: "", version: 17n },
  { domain: "ai.onnx.ml", version: 3n },
];

/** The content of an ONNX file. */
export interface OnnxModel {
  readonly name: string;
  readonly producer: { readonly name: string; readonly version: string };
  /** Computes the tree features from the graph's input. */
  readonly features: FeatureProgram;
  /** Number of columns of the graph's input. */
  readonly inputColumns: number;
  /** The graph's outputs: ensembles over the tree features. */
  readonly outputs: readonly { readonly name: string; readonly ensemble: Ensemble }[];
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes an ONNX file. Its graph maps `float32[N, inputColumns]` to `float32[N, 1]` for each
 * output: it runs the feature program, then the trees as a `TreeEnsembleRegressor` (ai.onnx.ml 3). The same model
 * always gives the same bytes.
 */
export function exportOnnx(model: OnnxModel): Uint8Array {
  const { features, outputs, inputColumns } = model;
  const treeFeatures = features.operations.at(-1)?.output ?? features.input;
  const proto = create(ModelProtoSchema, {
    irVersion,
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    opsetImport: operatorSets,
    graph: {
      name: model.name,
      input: [floatTable(features.input, inputColumns)],
      output: outputs.map(({ name }) => floatTable(name, 1)),
      initializer: constants(features),
      node: [
        ...features.operations.map(operationNode),
        ...outputs.map(({ name, ensemble }) => ensembleNode(ensemble, treeFeatures, name)),
      ],
    },
    metadataProps: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, proto);
}

function constants({ constants: literals, operations }: FeatureProgram): TensorProto[] {
  const rows = Object.entries(literals).map(([name, row]) => rowOfFloats(name, row));
  const indices = operations
    .filter((operation) => operation.op === "Gather")
    .map((operation) => vectorOfIntegers(indicesName(operation.output), operation.columns));
  return [...rows, ...indices];
}

function indicesName(output: string): string {
  return `${output}_columns`;
}

function operationNode(operation: Operation): NodeProto {
  if (operation.op === "Lookup") return lookupNode(operation);
  return node({
    operator: operation.op,
    output: operation.output,
    ...operandsOf(operation),
  });
}

function operandsOf(
  operation: Exclude<Operation, Lookup>,
): Pick<NodeDescription, "inputs" | "attributes"> {
  const alongColumns = { axis: { int: 1 } };
  switch (operation.op) {
    case "Gather":
      return {
        inputs: [operation.input, indicesName(operation.output)],
        attributes: alongColumns,
      };
    case "Concat":
      return { inputs: operation.inputs, attributes: alongColumns };
    default:
      return { inputs: [operation.left, operation.right] };
  }
}

function ensembleNode({ trees, baseScore }: Ensemble, input: string, output: string): NodeProto {
  return treesNode(trees, input, output, [baseScore], ({ value }) => [value]);
}

/** A tree whose leaves have a weight for each column of the table. */
function lookupNode({ input, output, table: { tree, values } }: Lookup): NodeProto {
  const noBase = values.map(() => 0);
  return treesNode([tree], input, output, noBase, ({ value: cell }) =>
    values.map((column) => column[cell] ?? 0),
  );
}

/**
 * Source: the specification of TreeEnsembleRegressor, ai.onnx.ml version 3.
 *
 * @param weightsOf returns the weights of a leaf, one for each base value
 */
function treesNode(
  trees: readonly TreeNode[],
  input: string,
  output: string,
  baseValues: readonly number[],
  weightsOf: (leaf: FlatNode) => readonly number[],
): NodeProto {
  const nodes = trees.flatMap(flatten);
  const weights = nodes
    .filter(({ mode }) => mode === "LEAF")
    .flatMap((leaf) => weightsOf(leaf).map((weight, target) => ({ ...leaf, target, weight })));
  return node({
    operator: "TreeEnsembleRegressor",
    domain: "ai.onnx.ml",
    inputs: [input],
    output,
    attributes: {
      n_targets: { int: baseValues.length },
      aggregate_function: { string: "SUM" },
      post_transform: { string: "NONE" },
      base_values: { floats: baseValues },
      nodes_treeids: { ints: nodes.map(({ tree }) => tree) },
      nodes_nodeids: { ints: nodes.map(({ id }) => id) },
      nodes_modes: { strings: nodes.map(({ mode }) => mode) },
      nodes_featureids: { ints: nodes.map(({ feature }) => feature) },
      nodes_values: { floats: nodes.map(({ threshold }) => threshold) },
      nodes_truenodeids: { ints: nodes.map(({ left }) => left) },
      nodes_falsenodeids: { ints: nodes.map(({ right }) => right) },
      target_ids: { ints: weights.map(({ target }) => target) },
      target_treeids: { ints: weights.map(({ tree }) => tree) },
      target_nodeids: { ints: weights.map(({ id }) => id) },
      target_weights: { floats: weights.map(({ weight }) => weight) },
    },
  });
}

interface FlatNode {
  readonly tree: number;
  readonly id: number;
  readonly mode: "LEAF" | "BRANCH_LEQ";
  readonly feature: number;
  readonly threshold: number;
  readonly left: number;
  readonly right: number;
  readonly value: number;
}

/** Numbers the nodes of a tree: parents before children, left subtrees before right ones. */
function flatten(root: TreeNode, tree: number): FlatNode[] {
  const unused = { feature: 0, threshold: 0, left: 0, right: 0, value: 0 };
  return treeNodes(root).map((node, id) => {
    if (node.kind === "leaf") return { ...unused, tree, id, mode: "LEAF", value: node.value };
    const { feature, threshold } = node;
    const left = id + 1;
    const right = left + treeNodes(node.left).length;
    return { ...unused, tree, id, mode: "BRANCH_LEQ", feature, threshold, left, right };
  });
}
