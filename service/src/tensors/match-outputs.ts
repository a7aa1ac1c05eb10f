import { refusal } from "../wire/refusal.ts";
import type { InferenceHeader } from "./inference-header.ts";
import {
  type IntervalDescription,
  intervalOutput,
  outputsOf,
  type Signature,
  type TensorDescription,
} from "./signature.ts";

/** An output of the response. */
export interface MatchedOutput {
  readonly tensor: TensorDescription;
  /** Whether it is the intervals, not the predictions. */
  readonly isInterval: boolean;
  /** Whether it is wanted as bytes instead of JSON. */
  readonly isBinary: boolean;
}

/** What a request asks for. */
export interface MatchedOutputs {
  /** In the order of the response. */
  readonly outputs: readonly MatchedOutput[];
  /** The level of the intervals; undefined if the request does not ask for them. */
  readonly level: number | undefined;
}

const quote = (text: string) => JSON.stringify(text);

/** An error quotes at most this many characters. */
const maxQuoted = 100;

/** @throws {Refusal} 400 if the level is not one that an interval can have */
function checkLevel(level: unknown, place: string, [low, high]: IntervalDescription["levels"]) {
  if (typeof level === "number" && level >= low && level <= high) return level;
  const found = typeof level === "number" ? level : JSON.stringify(level).slice(0, maxQuoted);
  throw refusal(400, `${place}.level must be a number from ${low} to ${high}, not ${found}`);
}

/** Creates a function that matches the outputs that a request asks for with the model. */
export function createOutputMatcher(signature: Signature) {
  const { output, interval } = signature;
  const matched = (tensor: TensorDescription, isBinary: boolean): MatchedOutput => ({
    tensor,
    isInterval: tensor !== output,
    isBinary,
  });
  const predictions = (isBinary: boolean): MatchedOutputs => ({
    outputs: [matched(output, isBinary)],
    level: undefined,
  });
  const asJson = predictions(false);
  const asBytes = predictions(true);
  const all = outputsOf(signature);
  const allowed = all.map(({ name }) => quote(name)).join(", ");

  /**
   * @returns the predictions if the request names no outputs
   * @throws {Refusal} 400 that names the output or the parameter
   */
  return function matchOutputs({ parameters, outputs }: InferenceHeader): MatchedOutputs {
    const isBinary = parameters?.binary_data_output ?? false;
    if (!outputs?.length) return isBinary ? asBytes : asJson;
    const found: MatchedOutput[] = [];
    let level: number | undefined;
    for (const [index, { name, parameters: own }] of outputs.entries()) {
      const tensor = all.find((each) => each.name === name);
      if (tensor === undefined) {
        const reason = name === intervalOutput ? ", since the model has no intervals" : "";
        throw refusal(400, `output ${quote(name)} is unknown${reason}. Allowed: ${allowed}`);
      }
      if (found.some((other) => other.tensor === tensor)) {
        throw refusal(400, `output ${quote(name)} is requested twice`);
      }
      found.push(matched(tensor, own?.binary_data ?? isBinary));
      if (tensor !== interval?.output) continue;
      const ownLevel = own?.level ?? undefined;
      const place = ownLevel === undefined ? "parameters" : `outputs[${index}].parameters`;
      const asked = ownLevel ?? parameters?.level ?? interval.defaultLevel;
      level = checkLevel(asked, place, interval.levels);
    }
    return { outputs: found, level };
  };
}
