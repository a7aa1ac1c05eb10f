import fc from "fast-check";
import { type Feature, type RecordSchema, toCell } from "../src/records/schema.ts";

const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" }),
  fc.constantFrom("a", "b", "__proto__", "10", "2", "with space", "é", "constructor"),
);

/** Bounds of all kinds that some values satisfy. */
function boundsBetween(limit: fc.Arbitrary<number>) {
  const kinds = fc.record({
    gt: fc.boolean(),
    ge: fc.boolean(),
    lt: fc.boolean(),
    le: fc.boolean(),
  });
  return fc.tuple(limit, limit, kinds).map(([one, other, has]) => {
    const low = Math.min(one, other);
    const high = Math.max(one, other) + 2;
    return {
      ...(has.gt && { gt: low }),
      ...(has.ge && { ge: low }),
      ...(has.lt && { lt: high }),
      ...(has.le && { le: high }),
    };
  });
}

const limit = fc.oneof(
  fc.constantFrom(0, -1, 0.5, 118, 1e-7),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
);
const numberFeature = boundsBetween(limit).map((bounds) => ({
  type: "number" as const,
  ...bounds,
}));
const integerFeature = boundsBetween(fc.integer({ min: -200, max: 200 })).map((bounds) => ({
  type: "integer" as const,
  ...bounds,
}));

/** Only old characters: which ones Python escapes depends on its version of Unicode. */
const category = fc.oneof(
  fc.string({ maxLength: 6, unit: "grapheme-ascii" }),
  fc.constantFrom("it's", 'say "hi"', "tab\t", "\u200b", "Neukölln West", "1", "😀", "true"),
);

const categoryFeature = fc
  .uniqueArray(category, { minLength: 1, maxLength: 5 })
  .map((categories) => ({ type: "category" as const, categories }));

/** Any model's record schema. */
export const schemas: fc.Arbitrary<RecordSchema> = fc
  .uniqueArray(
    fc.tuple(
      name,
      fc.oneof(
        numberFeature,
        integerFeature,
        fc.constant({ type: "boolean" as const }),
        categoryFeature,
      ),
    ),
    { minLength: 1, maxLength: 6, selector: ([each]) => each },
  )
  .map((features) => ({
    record: { singular: "item", plural: "items" },
    features: features.map(([each, rest]): Feature => ({ name: each, ...rest })),
  }));

const numberText = fc.oneof(
  { weight: 3, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: -300, max: 300 }).map(String) },
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toPrecision(20)),
  fc.bigInt().map(String),
  fc.constantFrom(
    ...["0", "-0", "-0.0", "1e2", "1.0", "120", "120.00000000000001", "1e400", "-1e-400"],
    ...["9223372036854775807", "9223372036854775808", "-9223372036854775808", "9.3e18", "0.5"],
    "1".repeat(400),
  ),
);

const stringText = fc.oneof(
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
  numberText.map((text) => `"${text}"`),
  fc.constantFrom(
    ...['"inf"', '"nan"', '" 5 "', '"1_0"', '"0_1"', '"+1"', '"1."', '".5"', '"5.0"', '"-0"'],
    ...['"yes"', '"OFF"', '"t"', '"True"', '"\\u0031"', '""', '"\\u0085 7"', '"0x1"'],
  ),
);

const anyValue = fc.oneof(
  { weight: 4, arbitrary: numberText },
  { weight: 3, arbitrary: stringText },
  fc.constantFrom("true", "false", "null", "[]", "{}", '[1,"a"]', '{"a":1.50}'),
);

function valueText({ type, categories = [] }: Feature): fc.Arbitrary<string> {
  if (type !== "category") return anyValue;
  const texts = fc.constantFrom(...categories).map((text) => JSON.stringify(text));
  return fc.oneof({ weight: 4, arbitrary: texts }, anyValue);
}

const space = fc.constantFrom("", "", "", " ", "\n\t\r ");

/**
 * Returns the JSON of a record with unusual values, and with missing, extra or reordered members.
 */
function oddRecord({ features }: RecordSchema): fc.Arbitrary<string> {
  const members = fc.tuple(
    ...features.map((feature) =>
      fc.tuple(space, valueText(feature), space).map(([before, value, after]) => {
        return `${before}${JSON.stringify(feature.name)}${after}:${before}${value}${after}`;
      }),
    ),
  );
  const extra = fc.tuple(name, anyValue).map(([key, value]) => `${JSON.stringify(key)}:${value}`);
  return fc
    .tuple(members, fc.array(extra, { maxLength: 2 }), fc.nat(20), fc.boolean())
    .map(([own, extras, lost, isReversed]) => {
      const all = [...own.filter((_, index) => index !== lost), ...extras];
      return `{${(isReversed ? all.reverse() : all).join(",")}}`;
    });
}

function usualValue(feature: Feature): fc.Arbitrary<{ json: string; cell: number }> {
  const { type, categories = [], gt, ge, lt, le } = feature;
  if (type === "boolean") {
    return fc.boolean().map((value) => ({ json: String(value), cell: Number(value) }));
  }
  if (type === "category") {
    return fc
      .nat(categories.length - 1)
      .map((index) => ({ json: JSON.stringify(categories[index]), cell: index }));
  }
  const low = Math.max(gt ?? -1e6, ge ?? -1e6);
  const high = Math.min(lt ?? low + 1e6, le ?? low + 1e6);
  return fc.double({ min: 0.4, max: 0.6, noNaN: true }).map((share) => {
    const inside = low + share * (high - low);
    const value = type === "integer" ? Math.round(inside) : inside;
    return { json: String(value), cell: toCell(value) };
  });
}

/** Returns a record as most clients write it, and its row of the matrix. */
export function usualRecord(
  schema: RecordSchema,
): fc.Arbitrary<{ text: string; row: Float32Array }> {
  return fc.tuple(...schema.features.map(usualValue)).map((values) => ({
    text: `{${schema.features
      .map(({ name }, index) => `${JSON.stringify(name)}: ${values[index]?.json}`)
      .join(", ")}}`,
    row: Float32Array.from(values, ({ cell }) => cell),
  }));
}

/** Returns the JSON of any record, usual or not. */
export function anyRecord(schema: RecordSchema): fc.Arbitrary<string> {
  const usual = usualRecord(schema).map(({ text }) => text);
  return fc.oneof(usual, oddRecord(schema));
}
