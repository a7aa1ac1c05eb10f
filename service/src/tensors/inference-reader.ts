import type { Matrix } from "../records/schema.ts";
import { refusal } from "../wire/refusal.ts";
import { readBinary, requireSize } from "./binary-elements.ts";
import { Cells } from "./cells.ts";
import { cutData, type Span } from "./cut-data.ts";
import { type InputTensor, parseHeader } from "./inference-header.ts";
import { JsonElements } from "./json-elements.ts";
import { createMatcher, type MatchedInput, type TensorSchema } from "./match-inputs.ts";
import { createOutputMatcher, type MatchedOutputs } from "./match-outputs.ts";

/** An inference request that fits the model. */
export interface InferenceRequest extends MatchedOutputs {
  /** Sent back in the response. */
  readonly id: string | undefined;
  readonly matrix: Matrix;
}

/**
 * Reads the body of an inference request.
 *
 * @param headerBytes the length of the JSON, which binary tensors follow; undefined if the whole
 *   body is JSON
 * @throws {Refusal} 400 that says what is wrong
 */
export type InferenceReader = (body: Buffer, headerBytes: number | undefined) => InferenceRequest;

/** Finds the binary tensors after the JSON, which are in the order of the inputs. */
class BinaryTail {
  readonly #bytes: Buffer;
  #taken = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(bytes: number): Buffer {
    const from = this.#taken;
    this.#taken += bytes;
    return this.#bytes.subarray(from, this.#taken);
  }

  /** @throws {Refusal} 400 if the tensors and the bytes differ in size */
  requireAllTaken(): void {
    if (this.#taken === this.#bytes.length) return;
    throw refusal(
      400,
      `the inputs have binary_data_size ${this.#taken} in total; the body has ${this.#bytes.length} bytes after the JSON`,
    );
  }
}

/** Where the elements of an input are. */
type Elements = { readonly json: Span } | { readonly bytes: Buffer };

/** Creates the reader of a model's inference requests. */
export function createInferenceReader(schema: TensorSchema, maxRows: number): InferenceReader {
  const { features } = schema;
  const cells = new Cells(features);
  const jsonElements = new JsonElements(cells);
  const matchInputs = createMatcher(schema, maxRows);
  const matchOutputs = createOutputMatcher(schema.signature);

  function elementsOf(
    sent: InputTensor,
    matched: MatchedInput,
    span: Span | undefined,
    tail: BinaryTail,
  ): Elements {
    const bytes = sent.parameters?.binary_data_size ?? undefined;
    if ((span === undefined) === (bytes === undefined)) {
      const name = JSON.stringify(sent.name);
      throw refusal(400, `input ${name} must have either data or the parameter binary_data_size`);
    }
    if (span !== undefined) {
      jsonElements.requireRoom(matched, span);
      return { json: span };
    }
    requireSize(matched, bytes ?? 0);
    return { bytes: tail.take(bytes ?? 0) };
  }

  return function readInference(body, headerBytes = body.length) {
    if (headerBytes > body.length) {
      throw refusal(
        400,
        `Inference-Header-Content-Length is ${headerBytes}; the body has ${body.length} bytes`,
      );
    }
    const json = body.subarray(0, headerBytes);
    const cut = cutData(json);
    const header = parseHeader(cut.header, features.length);
    const { outputs, level } = matchOutputs(header);
    const matched = matchInputs(header.inputs);
    const tail = new BinaryTail(body.subarray(headerBytes));
    const sources = matched.map((input, index) => {
      const sent = header.inputs[index];
      if (sent === undefined) throw new RangeError(`no input ${index}`);
      return { input, elements: elementsOf(sent, input, cut.data[index], tail) };
    });
    tail.requireAllTaken();

    const stride = features.length;
    const matrix: Matrix = new Float32Array((matched[0]?.rows ?? 0) * stride);
    for (const { input, elements } of sources) {
      if ("json" in elements) jsonElements.read(json, elements.json, input, matrix, stride);
      else readBinary(elements.bytes, input, cells, matrix, stride);
    }
    return { id: header.id ?? undefined, outputs, level, matrix };
  };
}
