import { z } from "zod";
import { refusal } from "../wire/refusal.ts";
import { datatypes } from "./signature.ts";

/** It is sent back in each response, so it must be short. */
const maxIdLength = 1024;

/** The error of a member: what it must be, or that it is missing. */
const mustBe = (what: string) => ({
  error: ({ input }: { readonly input?: unknown }) =>
    input === undefined ? "is missing" : `must be ${what}`,
});

const text = mustBe("a text");
const list = mustBe("a list");
const object = mustBe("an object");
const count = mustBe("an integer of at least 0");
const flag = z.boolean(mustBe("true or false")).nullish();

/** One input of an inference request. */
const InputTensor = z.object(
  {
    name: z.string(text),
    shape: z.array(z.int(count).min(0, count), list),
    datatype: z.enum(datatypes, mustBe(`one of ${datatypes.join(", ")}`)),
    parameters: z
      .object({ binary_data_size: z.int(count).min(0, count).nullish() }, object)
      .nullish(),
    data: z.array(z.unknown(), list).nullish(),
  },
  object,
);

/** One output that a client requests. */
const RequestedOutput = z.object(
  {
    name: z.string(text),
    parameters: z.object({ binary_data: flag }, object).nullish(),
  },
  object,
);

/** The JSON of an inference request. Unknown members are ignored, as the protocol requires. */
export const InferenceHeader = z.object(
  {
    id: z.string(text).max(maxIdLength, `must have at most ${maxIdLength} characters`).nullish(),
    parameters: z.object({ binary_data_output: flag }, object).nullish(),
    inputs: z.array(InputTensor, list).min(1, "must not be empty"),
    outputs: z.array(RequestedOutput, list).nullish(),
  },
  object,
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
  const { data, error } = InferenceHeader.safeParse(JSON.parse(json));
  if (data) return data;
  const [issue] = error.issues;
  throw refusal(400, `${placeOf(issue?.path ?? [])} ${issue?.message ?? "is invalid"}`);
}
