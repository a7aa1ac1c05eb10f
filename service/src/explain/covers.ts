import { readOnnxGraph } from "../trees/onnx-file.ts";
import { readTreeModel, type TreeModelOptions } from "../trees/tree-model.ts";
import { Unsupported } from "../trees/unsupported.ts";
import { countCovers, explainedTrees } from "./explained-trees.ts";

/** Bits of a number in each byte. The highest bit says whether another byte follows. */
const bitsPerByte = 7;
const more = 1 << bitsPerByte;

/**
 * Counts the training rows that reach each leaf of a model's trees, for its card.
 *
 * @param onnx an ONNX file
 * @param matrix rows × features, row-major
 * @returns undefined if the model can't be explained
 */
export function coversOf(
  onnx: Uint8Array,
  options: TreeModelOptions,
  matrix: Float32Array,
): string | undefined {
  try {
    const trees = explainedTrees(readTreeModel(readOnnxGraph(onnx), options));
    return writeCovers(countCovers(trees, matrix));
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    return undefined;
  }
}

/**
 * Writes the number of rows that reach each leaf: in base64, and in bytes as in the variable-length
 * integers of Protocol Buffers.
 */
export function writeCovers(covers: Uint32Array): string {
  const bytes: number[] = [];
  for (const cover of covers) {
    let rest = cover;
    for (; rest >= more; rest = Math.floor(rest / more)) bytes.push((rest % more) + more);
    bytes.push(rest);
  }
  return Buffer.from(bytes).toString("base64");
}

/**
 * Reads what {@link writeCovers} writes.
 *
 * @param leaves the number of leaves
 * @throws {Unsupported} if there is not one number for each leaf
 */
export function readCovers(text: string, leaves: number): Uint32Array {
  const covers: number[] = [];
  let cover = 0;
  let factor = 1;
  for (const byte of Buffer.from(text, "base64")) {
    cover += (byte % more) * factor;
    factor *= more;
    if (byte >= more) continue;
    covers.push(cover);
    cover = 0;
    factor = 1;
  }
  if (covers.length !== leaves) {
    throw new Unsupported(
      `its card has ${covers.length} covers for ${leaves} leaves; write the card again`,
    );
  }
  return Uint32Array.from(covers);
}
