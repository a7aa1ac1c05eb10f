import { randomInt } from "node:crypto";
import type { CardFeature, ModelCard } from "../service/src/model/card.ts";
import { maxDetails } from "../service/src/wire/refusal.ts";

/** A request to predict. */
interface PredictRequest {
  readonly path: "/predict" | "/bulk_predict";
  /** JSON. */
  readonly body: string;
}

/** Requests that check a deployed model. */
export interface ExampleRequests {
  /** The card's example, as JSON. */
  readonly example: string;
  /** A random record, as JSON. */
  readonly other: string;
  /** The JSON of a list that no client is likely to have sent before. */
  readonly fresh: string;
  /** Requests that the service rejects with status 422 and this response, which is JSON. */
  readonly invalid: readonly (PredictRequest & { readonly response: string })[];
}

/** A random value, and the number of values that it was chosen from. */
interface RandomValue {
  readonly value: unknown;
  readonly choices: number;
}

/** Returns a number within the bounds, and within the training range or near the example. */
function randomNumber(feature: Extract<CardFeature, { gt?: unknown }>): RandomValue {
  const { type, example, minimum = example - 1, maximum = example + 1 } = feature;
  const { gt = minimum, ge = minimum, lt = maximum, le = maximum } = feature;
  const low = Math.max(minimum, gt, ge);
  const high = Math.min(maximum, lt, le);
  const [start, step] = type === "integer" ? [Math.ceil(low), 1] : [low, (high - low) / 4096];
  const choices = low < high ? Math.ceil((high - start) / step) - 1 : 0;
  if (choices < 1) return { value: example, choices: 1 };
  return { value: start + step * randomInt(1, choices + 1), choices };
}

function randomValue(feature: CardFeature): RandomValue {
  switch (feature.type) {
    case "number":
    case "integer":
      return randomNumber(feature);
    case "boolean":
      return { value: randomInt(2) === 1, choices: 2 };
    case "category": {
      const choices = feature.categories.length;
      return { value: feature.categories[randomInt(choices)], choices };
    }
  }
}

/** Writes a text like Python does, if all its characters are printable. */
function pythonText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`) + quote;
}

/** Returns pydantic's error for a text that is not a value of the feature. */
function faultOf(feature: CardFeature): { type: string; msg: string; ctx?: object } {
  const should = "Input should be";
  switch (feature.type) {
    case "number":
      return {
        type: "float_parsing",
        msg: `${should} a valid number, unable to parse string as a number`,
      };
    case "integer":
      return {
        type: "int_parsing",
        msg: `${should} a valid integer, unable to parse string as an integer`,
      };
    case "boolean":
      return { type: "bool_parsing", msg: `${should} a valid boolean, unable to interpret input` };
    case "category": {
      const texts = feature.categories.map(pythonText);
      const last = texts.pop();
      const expected = texts.length === 0 ? last : `${texts.join(", ")} or ${last}`;
      return { type: "literal_error", msg: `${should} ${expected}`, ctx: { expected } };
    }
  }
}

/** Returns a text that differs from the given ones. */
function otherThan(texts: readonly string[]): string {
  let text = "unknown";
  while (texts.includes(text)) text += "_";
  return text;
}

/** Writes a record as JSON. An object would not keep the order of names that are integers. */
function recordOf(members: readonly (readonly [name: string, value: unknown])[]): string {
  const texts = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${texts.join()}}`;
}

/** Creates requests for a model from its card. Some of them are different each time. */
export function exampleRequests({ record, features }: ModelCard): ExampleRequests {
  const example = features.map(({ name, example }) => [name, example] as const);
  const random = () =>
    recordOf(features.map((feature) => [feature.name, randomValue(feature).value]));
  const list = (records: readonly string[]) =>
    `{${JSON.stringify(record.plural)}:[${records.join()}]}`;

  /** Returns a list. The fewer values a record can have, the more records make the list new. */
  function fresh(): string {
    const bits = features.reduce((sum, each) => sum + Math.log2(randomValue(each).choices), 0);
    const length = Math.ceil(32 / Math.max(bits, 1));
    return list(Array.from({ length }, random));
  }

  function missingFields() {
    const detail = features.slice(0, maxDetails).map(({ name }) => {
      return { type: "missing", loc: ["body", name], msg: "Field required", input: {} };
    });
    return { path: "/predict", body: "{}", response: JSON.stringify({ detail }) } as const;
  }

  function unknownField() {
    const name = otherThan(features.map((feature) => feature.name));
    const msg = "Extra inputs are not permitted";
    const detail = [{ type: "extra_forbidden", loc: ["body", name], msg, input: true }];
    const body = recordOf([...example, [name, true]]);
    return { path: "/predict", body, response: JSON.stringify({ detail }) } as const;
  }

  function wrongType(feature: CardFeature) {
    const input = otherThan(feature.type === "category" ? feature.categories : []);
    const { type, msg, ctx } = faultOf(feature);
    const loc = ["body", record.plural, 0, feature.name];
    const members = example.map(
      ([name, value]) => [name, name === feature.name ? input : value] as const,
    );
    const response = JSON.stringify({ detail: [{ type, loc, msg, input, ctx }] });
    return { path: "/bulk_predict", body: list([recordOf(members)]), response } as const;
  }

  return {
    example: recordOf(example),
    other: random(),
    fresh: fresh(),
    invalid: [missingFields(), unknownField(), ...features.slice(0, 1).map(wrongType)],
  };
}
