import { readOnnxGraph } from "./onnx-file.ts";
import { readTreeModel, type TreeModelOptions } from "./tree-model.ts";
import { type TreeModule, writeTreeModule } from "./tree-module.ts";
import { Unsupported } from "./unsupported.ts";

/** A model compiled to WebAssembly. It is plain data, so a thread can send it. */
export interface CompiledTrees extends TreeModule {
  /** The number of columns of the matrix. */
  readonly columns: number;
}

/** Why a model is not compiled. */
export interface NotCompiled {
  readonly reason: string;
}

/**
 * Compiles a model if its output is computed by trees, alone or together with operators that work
 * column by column.
 *
 * @param onnx an ONNX file
 */
export function compileTrees(
  onnx: Uint8Array,
  options: TreeModelOptions = {},
): CompiledTrees | NotCompiled {
  try {
    const model = readTreeModel(readOnnxGraph(onnx), options);
    const columns = model.inputs.reduce((total, input) => total + input.columns, 0);
    return { ...writeTreeModule(model.columns), columns };
  } catch (error) {
    // A RangeError means that an array would be too long.
    if (!(error instanceof Unsupported || error instanceof RangeError)) throw error;
    return { reason: error.message };
  }
}
