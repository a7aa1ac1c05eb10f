import { z } from "zod";
import { mustBe, parseOrRefuse } from "../wire/parse-or-refuse.ts";
import { refusal } from "../wire/refusal.ts";
import { datatypes } from "./signature.ts";

/** Ids and names are sent back, so they must be short. */
const maxTextLength = 1024;

/** More than any shape or list of outputs needs. */
const maxItems = 8;

const object = mustBe("an object");
const list = mustBe("a list");
const count = mustBe("an integer of at least 0");
const flag = z.boolean(mustBe("true or false")).nullish();
const text = z
  .string(mustBe("a string"))
  .max(maxTextLength, `must have at most ${maxTextLength} characters`);

/** Checked when it is known which levels the model has. */
const level = z.unknown().optional().meta({
  type: "number",
  description:
    "The level of the output `interval`: how many of the intervals contain the true value, as a share",
});

const dimension = z.int(count).min(0, count);

/**
 * An error for each item would take a long time, so the length of a list is checked before its
 * items.
 */
const shortList = z.array(z.unknown(), list).max(maxItems, `must have at most ${maxItems} items`);

/** One input of an inference request. */
const InputTensor = z.object(
  {
    name: text,
    shape: shortList
      .pipe(z.array(dimension))
      .meta({ items: { type: "integer", minimum: 0 }, examples: [[1, 8]] }),
    datatype: z.enum(datatypes, mustBe(`one of ${datatypes.join(", ")}`)),
    parameters: z.object({ binary_data_size: dimension.nullish() }, object).nullish(),
    data: z.array(z.unknown(), list).nullish(),
  },
  object,
);

/** One output that a client requests. */
const RequestedOutput = z.object(
  { name: text, parameters: z.object({ binary_data: flag, level }, object).nullish() },
  object,
);

/** An inference request, whose inputs and outputs are not checked yet. */
const Envelope = z.object(
  {
    id: text.nullish(),
    parameters: z.object({ binary_data_output: flag, level }, object).nullish(),
    inputs: z.array(z.unknown(), list).min(1, "must not be empty"),
    outputs: shortList.nullish(),
  },
  object,
);

/** The JSON of an inference request. Unknown members are ignored, as the protocol requires. */
export const InferenceHeader = Envelope.extend({
  inputs: z.array(InputTensor).min(1),
  outputs: z.array(RequestedOutput).max(maxItems).nullish(),
});

export type InferenceHeader = z.infer<typeof InferenceHeader>;
export type InputTensor = z.infer<typeof InputTensor>;

/**
 * Parses the JSON of an inference request.
 *
 * @param maxInputs the maximum number of inputs
 * @throws {Refusal} 400 that names the first invalid member
 */
export function parseHeader(json: string, maxInputs: number): InferenceHeader {
  const { inputs, outputs, ...rest } = parseOrRefuse(Envelope, JSON.parse(json));
  if (inputs.length > maxInputs) throw refusal(400, `inputs must have at most ${maxInputs} items`);
  return {
    ...rest,
    inputs: inputs.map((input, index) => parseOrRefuse(InputTensor, input, `inputs[${index}]`)),
    outputs: outputs?.map((output, index) =>
      parseOrRefuse(RequestedOutput, output, `outputs[${index}]`),
    ),
  };
}
