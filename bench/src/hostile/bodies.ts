import { drawHouses } from "../drawn-houses.ts";

const mebibyte = 1024 * 1024;
/** The service's default limits. */
const maxBodyBytes = 32 * mebibyte;
const maxRecordBytes = mebibyte;
const maxHouses = 100_000;

/** Four bytes near the start of a body; each request has another number there, so that it misses. */
export const counterMark = "####";

/** How a client sends a body. */
type Attack =
  | "send"
  | "hold the last byte"
  | "trickle"
  | "trickle chunks"
  | "flood with chunks"
  | "leave halfway"
  | "leave at the end";

/** What hostile clients send. */
export interface HostileCase {
  readonly name: string;
  readonly path: "/predict" | "/bulk_predict";
  readonly makeBody: () => Buffer;
  /** A valid body must be answered with 200, any other with a 4xx. */
  readonly isValid?: boolean;
  readonly contentType?: string;
  /** Default: `send`. */
  readonly attack?: Attack;
  /** So many clients at once, and no single client in a loop. */
  readonly clients?: number;
}

type Fragment = string | Uint8Array;

/** A fragment as often as it fits, between a start and an end. */
function repeat(start: string, fragment: Fragment, end: string, maxBytes = maxBodyBytes): Buffer {
  const unit = Buffer.from(fragment);
  const count = Math.floor((maxBytes - Buffer.byteLength(start + end)) / unit.length);
  return Buffer.concat([
    Buffer.from(start),
    Buffer.alloc(count * unit.length, unit),
    Buffer.from(end),
  ]);
}

/** Fragments that differ by their number, as many as fit, between a start and an end. */
function count(start: string, fragment: (index: number) => string, end: string): Buffer {
  const parts: string[] = [start];
  let bytes = Buffer.byteLength(start + end);
  for (let index = 0; ; index++) {
    const part = (index === 0 ? "" : ",") + fragment(index);
    bytes += part.length;
    if (bytes > maxBodyBytes) break;
    parts.push(part);
  }
  return Buffer.from(parts.join("") + end);
}

type House = Readonly<Record<string, unknown>>;

/** A list of as many houses as are allowed. The first has the counter. */
function list(change: (house: House, index: number) => House = (house) => house, spaces = 0) {
  const houses = drawHouses(maxHouses, 1).map((house, index) =>
    change(index === 0 ? { ...house, Population: counterMark } : house, index),
  );
  const text = JSON.stringify({ houses }, null, spaces);
  return Buffer.from(text.replace(`"${counterMark}"`, counterMark));
}

const faultAt = (at: number) => () =>
  list((house, index) => (index === at ? { ...house, MedInc: -1 } : house));

const text = (value: unknown) => (value === counterMark ? value : String(value));

const reversed = (house: House) => Object.fromEntries(Object.entries(house).toReversed());
const asStrings = (house: House) =>
  Object.fromEntries(Object.entries(house).map(([name, value]) => [name, text(value)]));

const bulk = (name: string, makeBody: () => Buffer, isValid = false): HostileCase => ({
  name,
  path: "/bulk_predict",
  makeBody,
  isValid,
});

const lists: readonly HostileCase[] = [
  bulk("valid list", () => list(), true),
  bulk("valid list, other key order", () => list(reversed), true),
  bulk("valid list, numbers as strings", () => list(asStrings), true),
  bulk("valid list, pretty-printed", () => list(undefined, 2), true),
  bulk(
    "valid list, last house with strings",
    () => {
      return list((house, index) => (index === maxHouses - 1 ? asStrings(house) : house));
    },
    true,
  ),
  bulk("valid list, padded with spaces", () => repeat(`${list()}`, " ", ""), true),
  bulk("fault at the start", faultAt(1)),
  bulk("fault in the middle", faultAt(maxHouses / 2)),
  bulk("fault at the end", faultAt(maxHouses - 1)),
  bulk("a fault in each house", () => list((house) => ({ ...house, MedInc: -1 }))),
  bulk("unknown key at the end", () => {
    return list((house, index) => (index === maxHouses - 1 ? { ...house, Rooms: 1 } : house));
  }),
  bulk("malformed at the end", () => list().subarray(0, -1)),
  bulk("invalid UTF-8 at the end", () => Buffer.concat([list().subarray(0, -1), Buffer.of(0xff)])),
  bulk("one house too many", () => {
    return Buffer.concat([list().subarray(0, -2), Buffer.from(`,${list().subarray(11, 200)}`)]);
  }),
  bulk(
    "valid list after a long one of the same key",
    () => {
      const last = list();
      const first = repeat('{"houses":[1', ",1", "],", maxBodyBytes - last.length);
      return Buffer.concat([first, last.subarray(1)]);
    },
    true,
  ),
];

const inList = (items: string) => () => repeat(`{"houses":[${items.slice(1)}`, items, "]}");

const millions: readonly HostileCase[] = [
  bulk("empty objects", inList(",{}")),
  bulk("empty lists", inList(",[]")),
  bulk("numbers", inList(",1")),
  bulk("long numbers", inList(",0.12345678901234567891e-5")),
  bulk("strings", inList(',""')),
  bulk("nulls", inList(",null")),
  bulk("objects with unique keys", () => count('{"houses":[', (n) => `{"k${n}":0}`, "]}")),
  bulk("unknown keys", () => count("{", (n) => `"k${n}":0`, "}")),
  bulk("unknown keys in a house", () => count('{"houses":[{', (n) => `"k${n}":0`, "}]}")),
  bulk("one repeated key", () => repeat('{"a":0', ',"a":0', "}")),
  bulk("one repeated feature", () => repeat('{"houses":[{"MedInc":1', ',"MedInc":1', "}]}")),
  bulk("houses, repeated", () => repeat('{"houses":[]', ',"houses":[]', "}"), true),
  bulk("a list of numbers", () => repeat("[1", ",1", "]")),
];

const nested = (open: string, inner: string, close: string) => () => {
  const depth = Math.floor((maxBodyBytes - inner.length) / (open.length + close.length));
  return Buffer.concat([
    Buffer.alloc(depth * open.length, open),
    Buffer.from(inner),
    Buffer.alloc(depth * close.length, close),
  ]);
};

const deep: readonly HostileCase[] = [
  bulk("deep arrays", nested("[", "", "]")),
  bulk("deep arrays in houses", () => {
    return Buffer.concat([
      Buffer.from('{"houses":'),
      nested("[", "", "]")().subarray(20, -20),
      Buffer.from("}"),
    ]);
  }),
  bulk("deep arrays, truncated", () => repeat('{"houses":[', "[", "")),
  bulk("deep objects", nested('{"a":', "0", "}")),
  bulk("deep objects, truncated", () => repeat("", '{"a":', "")),
  bulk("many arrays, each 890 deep", inList(`,${"[".repeat(890)}${"]".repeat(890)}`)),
];

/** What long strings, keys and numbers are made of. */
const contents: Readonly<Record<string, Fragment>> = {
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

const numbers: Readonly<Record<string, readonly [string, string, string]>> = {
  digits: ["1", "1", ""],
  decimals: ["0.", "1", ""],
  zeros: ["0.", "0", "1"],
  "an exponent": ["1e", "1", ""],
};

const longBytes = 30 * 1000 * 1000;

const record = (name: string, makeBody: () => Buffer): HostileCase => ({
  name,
  path: "/predict",
  makeBody,
});

/** A record with one long text, to both endpoints; to `/predict` within its limit. */
function longText(name: string, start: string, fragment: Fragment, end: string) {
  return [
    bulk(name, () => repeat(`{"houses":[{${start}`, fragment, `${end}}]}`, longBytes)),
    record(`${name}, /predict`, () => repeat(`{${start}`, fragment, `${end}}`, maxRecordBytes)),
  ];
}

const long: readonly HostileCase[] = [
  ...Object.entries(contents).flatMap(([name, fragment]) => [
    ...longText(`a string of ${name}`, '"MedInc":"', fragment, '"'),
    ...longText(`a key of ${name}`, '"', fragment, '":1'),
  ]),
  ...Object.entries(numbers).flatMap(([name, [start, fragment, end]]) =>
    longText(`a number of ${name}`, `"MedInc":${start}`, fragment, end),
  ),
  record("14 MB of 1_1_1…1, /predict", () => {
    return repeat('{"MedInc":"', "1_", '1"}', 14 * 1000 * 1000);
  }),
  record("30 MB of letters, /predict", () => repeat('{"MedInc":"', "a", '"}', longBytes)),
  bulk("spaces alone", () => repeat("", " ", "")),
  bulk("byte-order marks", () => repeat("", "\ufeff", "")),
  { ...bulk("text that is not JSON", () => repeat("", "é", "")), contentType: "text/plain" },
];

/** 31 MB, of which the last byte matters. */
const heldList = () => repeat(`${list().subarray(0, -1)}`, " ", "}", 31 * 1000 * 1000);

const slow: readonly HostileCase[] = [
  {
    ...bulk("uploads held before their last byte", heldList, true),
    attack: "hold the last byte",
    clients: 20,
  },
  { ...bulk("one byte at a time", () => list()), attack: "trickle", clients: 200 },
  { ...bulk("one-byte chunks", () => list()), attack: "trickle chunks", clients: 200 },
  {
    ...bulk("a flood of one-byte chunks", () => list()),
    attack: "flood with chunks",
    clients: 200,
  },
  { ...bulk("clients that leave halfway", () => list()), attack: "leave halfway" },
  { ...bulk("clients that leave at the end", () => list()), attack: "leave at the end" },
];

const tokens: readonly Fragment[] = [
  ...["{", "}", "[", "]", ",", ":", " ", "\n", '"', "\\", "\\u", "-", ".", "e", "1", "_"],
  ...['"a"', '"MedInc"', '"houses"', '"__proto__"', '""', "0", "-1.5e3", "1e400", "true", "null"],
  ...["{}", "[]", '{"a":1}', ",{}", ",1", '"\\ud800"', "é", "😀", "\u0000", "NaN", "Infinity"],
  Buffer.of(0xff),
];
const scalars = ["1", "-1.5e3", "1e400", '"1_0"', '""', '"é"', '"\\ud800"', "true", "null", " 7 "];
const keys = ['"a"', '"MedInc"', '"houses"', '"__proto__"', '"\\u0061"', '""'];
const starts = ["", '{"houses":[', '{"houses":[{"MedInc":', '{"MedInc":"', '{"', "["];

/** A pseudo-random generator (mulberry32): numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A random start, and a random fragment until the body is full; every other one is well-formed. */
function fuzz(seed: number): HostileCase {
  const random = randomFrom(seed);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)];
  const picked = () =>
    Array.from({ length: 1 + Math.floor(random() * 8) }, () => pick(tokens) ?? "");
  const value = (depth: number): string => {
    const kind = depth === 0 ? 0 : random();
    if (kind < 0.5) return pick(scalars) ?? "";
    const inner = Array.from({ length: Math.floor(random() * 3) }, () => value(depth - 1));
    if (kind < 0.7) return `[${inner}]`;
    return `{${inner.map((item) => `${pick(keys)}:${item}`)}}`;
  };
  const isWellFormed = random() < 0.5;
  const start = pick(isWellFormed ? ['{"houses":[0', "[0"] : starts) ?? "";
  const fragment = isWellFormed
    ? Buffer.from(`,${value(3)}`)
    : Buffer.concat(picked().map((token) => Buffer.from(token)));
  const end = !isWellFormed ? "" : start.startsWith("[") ? "]" : "]}";
  const isRecord = random() < 0.3;
  const shown = JSON.stringify(`${start}${fragment}`).slice(1, -1);
  return {
    name: `fuzz ${seed}: ${shown}…${end}`,
    path: isRecord ? "/predict" : "/bulk_predict",
    makeBody: () => repeat(start, fragment, end, isRecord ? maxRecordBytes : maxBodyBytes),
  };
}

/**
 * All cases, in the order of the report.
 *
 * @param fuzzed how many random bodies; the same seed gives the same ones
 */
export const hostileCases = (fuzzed: number, seed: number): readonly HostileCase[] => [
  ...lists,
  ...millions,
  ...deep,
  ...long,
  ...slow,
  ...Array.from({ length: fuzzed }, (_, index) => fuzz(seed + index)),
];
