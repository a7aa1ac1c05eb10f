import fc from "fast-check";
import { readConfig } from "../../../service/src/config.ts";
import { drawHouses } from "../houses.ts";
import type { Upload } from "../load/connection.ts";
import { flood, held, trickle, trickleChunks, varied } from "./attacks.ts";

const { MAX_BODY_BYTES: maxBodyBytes, MAX_HOUSES: maxHouses } = readConfig({});

/** A body that hostile clients send. */
export interface HostileBody {
  readonly name: string;
  readonly path: "/predict" | "/bulk_predict";
  readonly make: () => Buffer;
  /** A valid body must get 200, any other one 4xx. */
  readonly isValid?: boolean;
  readonly header?: string;
  /** How the body is sent; by default at once. */
  readonly partsOf?: (body: Buffer) => Upload["parts"];
  readonly isChunked?: boolean;
  /** Whether clients disconnect when they have sent all parts. */
  readonly leaves?: boolean;
  /** This many clients send it at the same time. Then no client sends it in a loop. */
  readonly clients?: number;
}

type Text = string | Uint8Array;
type House = Readonly<Record<string, unknown>>;

/** Repeats a fragment as often as it fits between a start and an end. */
function fill(start: string, fragment: Text, end: string, maxBytes = maxBodyBytes): Buffer {
  const unit = Buffer.from(fragment);
  const count = Math.floor((maxBytes - Buffer.byteLength(start + end)) / unit.length);
  const middle = Buffer.alloc(count * unit.length, unit);
  return Buffer.concat([Buffer.from(start), middle, Buffer.from(end)]);
}

/** Joins as many numbered fragments as fit between a start and an end. */
function number(start: string, fragment: (index: number) => string, end: string): Buffer {
  const parts: string[] = [];
  for (let left = maxBodyBytes - start.length - end.length; left > 0; ) {
    const part = fragment(parts.length);
    left -= part.length + 1;
    if (left > 0) parts.push(part);
  }
  return Buffer.from(`${start}${parts.join(",")}${end}`);
}

const same = (house: House): House => house;
const invalid = (house: House): House => ({ ...house, MedInc: -1 });
const reversed = (house: House): House => Object.fromEntries(Object.entries(house).toReversed());
const asStrings = (house: House): House =>
  Object.fromEntries(Object.entries(house).map(([name, value]) => [name, String(value)]));

/**
 * Returns a list with the maximum number of houses.
 *
 * @param change changes all houses, or only the house at index `at`
 */
function list(change = same, at?: number, spaces = 0): Buffer {
  const houses = drawHouses(maxHouses, 1).map((drawn, index) => {
    // The attack replaces the population, which has four digits, so that each request is a miss.
    const house = index === 0 ? { ...drawn, Population: 1000 } : drawn;
    return at === undefined || at === index ? change(house) : house;
  });
  return Buffer.from(JSON.stringify({ houses }, null, spaces));
}

const last = maxHouses - 1;
type Bodies = Readonly<Record<string, () => Buffer>>;
const items = (item: string) => () => fill(`{"houses":[${item}`, `,${item}`, "]}");
const nested = (open: string, close: string, start = "", inner = "", end = "") => {
  const depth = Math.floor((maxBodyBytes - 100) / (open.length + close.length));
  return () => Buffer.from(`${start}${open.repeat(depth)}${inner}${close.repeat(depth)}${end}`);
};

const validLists: Bodies = {
  "valid list": () => list(),
  "valid list, other key order": () => list(reversed),
  "valid list, numbers as strings": () => list(asStrings),
  "valid list, strings in the last house": () => list(asStrings, last),
  "valid list, pretty-printed": () => list(same, last, 2),
  "valid list, padded with spaces": () => fill(`${list()}`, " ", ""),
  "valid list after a long one of the same key": () => {
    const valid = list().subarray(1);
    return Buffer.concat([fill('{"houses":[1', ",1", "],", maxBodyBytes - valid.length), valid]);
  },
  "houses, repeated": () => fill('{"houses":[]', ',"houses":[]', "}"),
};

const invalidLists: Bodies = {
  "fault at the start": () => list(invalid, 1),
  "fault in the middle": () => list(invalid, maxHouses / 2),
  "fault at the end": () => list(invalid, last),
  "a fault in each house": () => list(invalid),
  "unknown key at the end": () => list((house) => ({ ...house, Rooms: 1 }), last),
  "malformed at the end": () => list().subarray(0, -1),
  "invalid UTF-8 at the end": () => Buffer.concat([list().subarray(0, -1), Buffer.of(0xff)]),
  "one house too many": () => Buffer.from(list().toString().replace("[", "[{},")),
  "empty objects": items("{}"),
  numbers: items("1"),
  "long numbers": items("0.12345678901234567891e-5"),
  strings: items('""'),
  "objects with unique keys": () => number('{"houses":[', (n) => `{"k${n}":0}`, "]}"),
  "unknown keys": () => number("{", (n) => `"k${n}":0`, "}"),
  "unknown keys in a house": () => number('{"houses":[{', (n) => `"k${n}":0`, "}]}"),
  "one repeated key": () => fill('{"a":0', ',"a":0', "}"),
  "one repeated feature": () => fill('{"houses":[{"MedInc":1', ',"MedInc":1', "}]}"),
  "a list of numbers": () => fill("[1", ",1", "]"),
  "deep lists": nested("[", "]"),
  "deep lists in houses": nested("[", "]", '{"houses":', "", "}"),
  "deep lists, truncated": nested("[", ""),
  "deep objects": nested('{"a":', "}", "", "0"),
  "deep objects, truncated": nested('{"a":', ""),
  "many lists, each 890 deep": items(`${"[".repeat(890)}${"]".repeat(890)}`),
  "spaces alone": () => fill("", " ", ""),
  "byte-order marks": () => fill("", "\ufeff", ""),
};

/** The content of long strings and keys. */
const characters: Readonly<Record<string, Text>> = {
  letters: "a",
  "escaped line breaks": "\\n",
  "escaped letters": "\\u0061",
  "escaped backslashes": "\\\\",
  "digits with underscores": "1_",
  spaces: " ",
  "two-byte spaces": "\u0085",
  "two-byte characters": "é",
  "three-byte characters": "漢",
  "four-byte characters": "😀",
  "escaped surrogate pairs": "\\ud83d\\ude00",
  "escaped lone surrogates": "\\ud800",
  "control characters": "\u0001",
  "invalid UTF-8": Buffer.of(0xff),
  "incomplete UTF-8": Buffer.of(0xe6, 0xbc),
};
const longTexts: readonly (readonly [name: string, start: string, fragment: Text, end: string])[] =
  [
    ...Object.entries(characters).flatMap(([name, character]) => [
      [`a string of ${name}`, '"MedInc":"', character, '"'] as const,
      [`a key of ${name}`, '"', character, '":1'] as const,
    ]),
    ["a number of digits", '"MedInc":1', "1", ""],
    ["a number of decimals", '"MedInc":0.', "1", ""],
    ["a number of zeros", '"MedInc":0.', "0", "1"],
    ["a number with a long exponent", '"MedInc":1e', "1", ""],
  ];

const padded = () => fill(`${list().subarray(0, -1)}`, " ", "}", 31_000_000);
const half = (body: Buffer) => varied(body.subarray(0, body.length / 2));
const slow = { leaves: true, clients: 200 };
const bulk = (name: string, make: () => Buffer, more: Partial<HostileBody> = {}): HostileBody => ({
  name,
  path: "/bulk_predict",
  make,
  ...more,
});
const record = (name: string, start: string, text: Text, end: string, maxBytes = 1024 * 1024) =>
  ({ name, path: "/predict", make: () => fill(`{${start}`, text, `${end}}`, maxBytes) }) as const;

const tokens = [...'{}[],:" \n\\-.e1_é😀\0', "\\u", '"houses"', "1e400", "true", "NaN"];
/** The start of a body, and a fragment that is repeated: any JSON value, or tokens in any order. */
const random = fc.tuple(
  fc.constantFrom("", "[0", '{"houses":[0', '{"houses":[{"MedInc":', '{"MedInc":"', '{"'),
  fc.oneof(
    fc.json().map((value) => `,${value}`),
    fc.string({ unit: fc.constantFrom(...tokens), minLength: 1 }),
  ),
);

/** Returns all bodies in the order of the report, with `fuzz` random ones at the end. */
export function hostileBodies({ fuzz, seed }: { fuzz: number; seed: number }): HostileBody[] {
  return [
    ...Object.entries(validLists).map(([name, make]) => bulk(name, make, { isValid: true })),
    ...Object.entries(invalidLists).map(([name, make]) => bulk(name, make)),
    ...longTexts.flatMap(([name, start, text, end]) => [
      bulk(name, () => fill(`{"houses":[{${start}`, text, `${end}}]}`, 30_000_000)),
      record(`${name}, /predict`, start, text, end),
    ]),
    record("14 MB of 1_1_1…1, /predict", '"MedInc":"', "1_", '1"', 14_000_000),
    bulk("text that is not JSON", () => fill("", "é", ""), { header: "Content-Type: text/plain" }),
    bulk("held before the last byte", padded, { partsOf: held, clients: 20, isValid: true }),
    bulk("one byte at a time", list, { ...slow, partsOf: trickle }),
    bulk("one-byte chunks", list, { ...slow, partsOf: trickleChunks, isChunked: true }),
    bulk("a flood of one-byte chunks", list, { leaves: true, partsOf: flood, isChunked: true }),
    bulk("clients that leave halfway", list, { leaves: true, partsOf: half }),
    bulk("clients that leave at the end", list, { leaves: true }),
    ...fc.sample(random, { seed, numRuns: fuzz }).map(([start, fragment], index) => {
      const shown = JSON.stringify(start + fragment).slice(1, 60);
      return bulk(`fuzz ${index + 1}: ${shown}`, () => fill(start, fragment, "]}"));
    }),
  ];
}
