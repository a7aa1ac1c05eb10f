import { Bytes } from "../trees/bytes.ts";
import { readOnnxGraph } from "../trees/onnx-file.ts";
import { nodesFor } from "../trees/tree-model.ts";

/** The numbers of fields in `onnx.proto`. */
const graphField = 7;
const nodeField = 1;
const outputField = 12;

/**
 * Returns an ONNX file with only one of its outputs and the nodes that it needs. ONNX Runtime runs
 * all nodes of a file, including those of outputs that nobody asked for.
 *
 * @throws {Unsupported} if the file is malformed
 */
export function selectOutput(file: Uint8Array, output: string): Uint8Array {
  const { nodes, outputs } = readOnnxGraph(file);
  const needed = new Set(nodesFor(output, nodes));
  const keeps = new Map([
    [nodeField, nodes.map((node) => needed.has(node))],
    [outputField, outputs.map((name) => name === output)],
  ]);
  const seen = new Map<number, number>();
  return rewrite(file, (field, content) => {
    if (field !== graphField) return content;
    return rewrite(content, (graphPart, part) => {
      const index = seen.get(graphPart) ?? 0;
      seen.set(graphPart, index + 1);
      return (keeps.get(graphPart)?.[index] ?? true) ? part : undefined;
    });
  });
}

const lengthDelimited = 2;
const fixedBytes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/**
 * Copies a message of Protocol Buffers, but replaces the content of fields that have a length.
 *
 * @param replace returns the new content, or `undefined` to leave the field out
 */
function rewrite(
  message: Uint8Array,
  replace: (field: number, content: Uint8Array) => Uint8Array | undefined,
): Uint8Array {
  const written = new Bytes();
  let at = 0;
  const readInteger = () => {
    let value = 0;
    for (let unit = 1, byte = 128; byte >= 128; unit *= 128) {
      byte = message[at++] ?? 0;
      value += (byte & 127) * unit;
    }
    return value;
  };
  while (at < message.length) {
    const start = at;
    const key = readInteger();
    const wireType = key & 7;
    if (wireType === lengthDelimited) {
      const length = readInteger();
      const content = replace(key >>> 3, message.subarray(at, at + length));
      at += length;
      if (content !== undefined) written.unsigned(key).sized(content);
    } else {
      const fixed = fixedBytes[wireType];
      if (fixed === undefined) readInteger();
      else at += fixed;
      written.append(message.subarray(start, at));
    }
  }
  return written.written;
}
