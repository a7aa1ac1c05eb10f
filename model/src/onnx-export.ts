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
  readonly ensemble: Ensemble;
  /** Name of the graph's output. */
  readonly output: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes an ONNX file. Its graph maps `float32[N, inputColumns]` to `float32[N, 1]`: it runs the
 * feature program, then the trees as a `TreeEnsembleRegressor` (ai.onnx.ml 3). The same model
 * always gives the same bytes.
 */
export function exportOnnx(model: OnnxModel): Uint8Array {
  const { features, ensemble, output, inputColumns } = model;
  const treeFeatures = features.operations.at(-1)?.output ?? features.input;
  const proto = create(ModelProtoSchema, {
    irVersion,
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    opsetImport: operatorSets,
    graph: {
      name: model.name,
      input: [floatTable(features.input, inputColumns)],
      output: [floatTable(output, 1)],
      initializer: constants(features),
      node: [
        ...features.operations.map(operationNode),
        ensembleNode(ensemble, treeFeatures, output),
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
  return node({
    operator: operation.op,
    output: operation.output,
    ...operandsOf(operation),
  });
}

function operandsOf(operation: Operation): Pick<NodeDescription, "inputs" | "attributes"> {
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

/** Source: the specification of TreeEnsembleRegressor, ai.onnx.ml version 3. */
function ensembleNode(ensemble: Ensemble, input: string, output: string): NodeProto {
  const nodes = ensemble.trees.flatMap(flatten);
  const leaves = nodes.filter(({ mode }) => mode === "LEAF");
  return node({
    operator: "TreeEnsembleRegressor",
    domain: "ai.onnx.ml",
    inputs: [input],
    output,
    attributes: {
      n_targets: { int: 1 },
      aggregate_function: { string: "SUM" },
      post_transform: { string: "NONE" },
      base_values: { floats: [ensemble.baseScore] },
      nodes_treeids: { ints: nodes.map(({ tree }) => tree) },
      nodes_nodeids: { ints: nodes.map(({ id }) => id) },
      nodes_modes: { strings: nodes.map(({ mode }) => mode) },
      nodes_featureids: { ints: nodes.map(({ feature }) => feature) },
      nodes_values: { floats: nodes.map(({ threshold }) => threshold) },
      nodes_truenodeids: { ints: nodes.map(({ left }) => left) },
      nodes_falsenodeids: { ints: nodes.map(({ right }) => right) },
      target_ids: { ints: leaves.map(() => 0) },
      target_treeids: { ints: leaves.map(({ tree }) => tree) },
      target_nodeids: { ints: leaves.map(({ id }) => id) },
      target_weights: { floats: leaves.map(({ value }) => value) },
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
