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

const IR_VERSION = 8n;
const OPERATOR_SETS = [
  { domain: "", version: 17n },
  { domain: "ai.onnx.ml", version: 3n },
];

/** What an ONNX file is made of. */
export type OnnxModel = {
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
};

/**
 * The bytes of an ONNX file: a graph from `float32[N, inputColumns]` to `float32[N, 1]` that runs
 * the feature program, then the trees as a `TreeEnsembleRegressor` (ai.onnx.ml 3). The same model
 * always gives the same bytes.
 */
export function exportOnnx(model: OnnxModel): Uint8Array {
  const { features, ensemble, output, inputColumns } = model;
  const treeFeatures = features.operations.at(-1)?.output ?? features.input;
  const proto = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: model.producer.name,
    producerVersion: model.producer.version,
    opsetImport: OPERATOR_SETS,
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

type NumberedNode = { readonly tree: number; readonly id: number; readonly node: TreeNode };

/** Source: operator TreeEnsembleRegressor, ai.onnx.ml version 3. */
function ensembleNode(ensemble: Ensemble, input: string, output: string): NodeProto {
  const nodes = ensemble.trees.flatMap(numberNodes);
  const leaves = nodes.filter(({ node }) => node.kind === "leaf");
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
      nodes_modes: {
        strings: nodes.map(({ node }) => (node.kind === "leaf" ? "LEAF" : "BRANCH_LEQ")),
      },
      nodes_featureids: {
        ints: nodes.map(({ node }) => (node.kind === "leaf" ? 0 : node.feature)),
      },
      nodes_values: {
        floats: nodes.map(({ node }) => (node.kind === "leaf" ? 0 : node.threshold)),
      },
      nodes_truenodeids: { ints: nodes.map(leftId) },
      nodes_falsenodeids: { ints: nodes.map(rightId) },
      target_ids: { ints: leaves.map(() => 0) },
      target_treeids: { ints: leaves.map(({ tree }) => tree) },
      target_nodeids: { ints: leaves.map(({ id }) => id) },
      target_weights: {
        floats: leaves.map(({ node }) => (node.kind === "leaf" ? node.value : 0)),
      },
    },
  });
}

function numberNodes(root: TreeNode, tree: number): NumberedNode[] {
  return treeNodes(root).map((node, id) => ({ tree, id, node }));
}

/** Parents come before their children, left subtrees before right ones. */
function leftId({ id, node }: NumberedNode): number {
  return node.kind === "leaf" ? 0 : id + 1;
}

function rightId({ id, node }: NumberedNode): number {
  return node.kind === "leaf" ? 0 : id + 1 + treeNodes(node.left).length;
}
