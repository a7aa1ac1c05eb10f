import { randomInt } from "node:crypto";
import type { CardFeature, ModelCard } from "../service/src/model/card.ts";
import { createRecordReader } from "../service/src/records/reader.ts";
import { Refusal } from "../service/src/wire/refusal.ts";

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
  /**
   * Requests that the service rejects with status 422, with the body of this response, which is
   * JSON.
   */
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

/** Returns a string that differs from the given ones. */
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

/**
 * Returns the error response of the service in this checkout.
 *
 * @throws {Error} if the service accepts the request
 */
function refusalOf(card: ModelCard, { path, body }: PredictRequest): string {
  const reader = createRecordReader(card, 1);
  try {
    (path === "/predict" ? reader.one : reader.many)(Buffer.from(body));
  } catch (error) {
    if (error instanceof Refusal) return Buffer.from(error.body).toString();
    throw error;
  }
  throw new Error(`the service accepts ${body}`);
}

/** Creates requests for a model from its card. Some of them are different each time. */
export function exampleRequests(card: ModelCard): ExampleRequests {
  const { record, features } = card;
  const example = features.map(({ name, example }) => [name, example] as const);
  const names = features.map(({ name }) => name);
  const random = () =>
    recordOf(features.map((feature) => [feature.name, randomValue(feature).value]));
  const list = (records: readonly string[]) =>
    `{${JSON.stringify(record.plural)}:[${records.join()}]}`;

  /** Returns a list. The fewer values a record can have, the longer the list must be to be new. */
  function fresh(): string {
    const bits = features.reduce((sum, each) => sum + Math.log2(randomValue(each).choices), 0);
    const length = Math.ceil(32 / Math.max(bits, 1));
    return list(Array.from({ length }, random));
  }

  const unknownName = [...example, [otherThan(names), true] as const];
  const wrongType = example.map(([name, value], index) => {
    const [first] = features;
    const categories = first?.type === "category" ? first.categories : [];
    return [name, index === 0 ? otherThan(categories) : value] as const;
  });
  const invalid: readonly PredictRequest[] = [
    { path: "/predict", body: "{}" },
    { path: "/predict", body: recordOf(unknownName) },
    { path: "/bulk_predict", body: list([recordOf(wrongType)]) },
  ];
  return {
    example: recordOf(example),
    other: random(),
    fresh: fresh(),
    invalid: invalid.map((request) => ({ ...request, response: refusalOf(card, request) })),
  };
}
