import { z } from "zod";
import { refusal } from "../wire/refusal.ts";
import { datatypes } from "./signature.ts";

/** It is sent back in each response, so it must be short. */
const maxIdLength = 1024;

const allowedDatatypes = `must be one of ${datatypes.join(", ")}`;
const dimension = "must be an integer of at least 0";
const elements = "must be a list";
const flag = z.boolean("must be true or false").nullish();

/** One input of an inference request. */
const InputTensor = z.object({
  name: z.string("must be a text"),
  shape: z.array(z.int(dimension).min(0, dimension), elements),
  datatype: z.enum(datatypes, allowedDatatypes),
  parameters: z
    .object({ binary_data_size: z.int(dimension).min(0, dimension).nullish() }, "must be an object")
    .nullish(),
  data: z.array(z.unknown(), elements).nullish(),
});

/** One output that a client requests. */
const RequestedOutput = z.object({
  name: z.string("must be a text"),
  parameters: z.object({ binary_data: flag }, "must be an object").nullish(),
});

/** The JSON of an inference request. Unknown members are ignored, as the protocol requires. */
export const InferenceHeader = z.object(
  {
    id: z
      .string("must be a text")
      .max(maxIdLength, `must have at most ${maxIdLength} characters`)
      .nullish(),
    parameters: z.object({ binary_data_output: flag }, "must be an object").nullish(),
    inputs: z.array(InputTensor, elements).min(1, "must not be empty"),
    outputs: z.array(RequestedOutput, elements).nullish(),
  },
  "must be an object",
);

export type InferenceHeader = z.infer<typeof InferenceHeader>;
export type InputTensor = z.infer<typeof InputTensor>;

/** Writes the path to a member, such as `inputs[0].shape`. */
function placeOf(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  return parts.join("").replace(/^\./, "") || "the body";
}

/**
 * Parses the JSON of an inference request.
 *
 * @throws {Refusal} 400 that names the first invalid member
 */
export function parseHeader(json: string): InferenceHeader {
  const { data, error } = InferenceHeader.safeParse(JSON.parse(json), {
    error: ({ input }) => (input === undefined ? "is missing" : undefined),
  });
  if (data) return data;
  const [issue] = error.issues;
  throw refusal(400, `${placeOf(issue?.path ?? [])} ${issue?.message ?? "is invalid"}`);
}
