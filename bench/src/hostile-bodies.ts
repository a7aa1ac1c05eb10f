import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { readConfig } from "../../service/src/config.ts";
import { drawHouses, type House } from "./houses.ts";
import { requestHead, type Upload } from "./load/connection.ts";

const { MAX_BODY_BYTES: maxBodyBytes, MAX_HOUSES: maxHouses } = readConfig({});
const slowMs = 5_000;

/** A body that hostile clients send to `/bulk_predict`. */
export interface HostileBody {
  readonly name: string;
  readonly make: () => Buffer;
  /** A valid body must get 200, any other one 4xx. */
  readonly isValid?: boolean;
  /** How the body is sent; by default at once. */
  readonly partsOf?: (body: Buffer) => Upload["parts"];
  readonly isChunked?: boolean;
  /** Whether clients disconnect when they have sent all parts. */
  readonly leaves?: boolean;
  /** This many clients send it at the same time. Then no client sends it in a loop. */
  readonly clients?: number;
}

type Text = string | Uint8Array;

/** Repeats a fragment as often as it fits between a start and an end. */
function fill(start: string, fragment: Text, end: string, maxBytes = maxBodyBytes): Buffer {
  const unit = Buffer.from(fragment);
  const count = Math.floor((maxBytes - start.length - end.length) / unit.length);
  const middle = Buffer.alloc(count * unit.length, unit);
  return Buffer.concat([Buffer.from(start), middle, Buffer.from(end)]);
}

const items = (item: string) => fill(`{"houses":[${item}`, `,${item}`, "]}");

/** Puts millions of numbered items between a start and an end. */
function numbered(start: string, item: (index: number) => string, end: string): Buffer {
  const all = Array.from({ length: 2_000_000 }, (_, index) => item(index));
  return Buffer.from(`${start}${all.join(",")}${end}`);
}

function nested(open: string, inner: string, close: string): Buffer {
  const depth = Math.floor((maxBodyBytes - inner.length) / (open.length + close.length));
  return Buffer.from(open.repeat(depth) + inner + close.repeat(depth));
}

const invalid = (house: House) => ({ ...house, MedInc: -1 });
const reversed = (house: House) => Object.fromEntries(Object.entries(house).toReversed());
const asStrings = (house: House) =>
  Object.fromEntries(Object.entries(house).map(([name, value]) => [name, String(value)]));

const last = maxHouses - 1;
/** Returns a list with the maximum number of houses, and changes all or only the one at `at`. */
function list(change?: (house: House) => object, at?: number, spaces = 0): Buffer {
  const houses = drawHouses(maxHouses, 1).map((drawn, index) => {
    // Four digits, which each request replaces.
    const house = index === 0 ? { ...drawn, Population: 1000 } : drawn;
    return at === undefined || at === index ? (change?.(house) ?? house) : house;
  });
  return Buffer.from(JSON.stringify({ houses }, null, spaces));
}

type Bodies = Readonly<Record<string, () => Buffer>>;
const validLists: Bodies = {
  "valid list": () => list(),
  "valid list, other key order": () => list(reversed),
  "valid list, numbers as strings": () => list(asStrings),
  "valid list, pretty-printed": () => list(undefined, last, 2),
};

/** The content of long strings and keys. */
const characters: Readonly<Record<string, Text>> = {
  letters: "a",
  "escaped line breaks": "\\n",
  "digits with underscores": "1_",
  spaces: " ",
  "three-byte characters": "漢",
  "four-byte characters": "😀",
  "escaped surrogate pairs": "\\ud83d\\ude00",
  "escaped lone surrogates": "\\ud800",
  "invalid UTF-8": Buffer.of(0xff),
};
const long = (start: string, text: Text, end: string) => () =>
  fill(`{"houses":[{${start}`, text, `${end}}]}`, 30_000_000);

const invalidBodies: Bodies = {
  "fault at the start": () => list(invalid, 1),
  "fault in the middle": () => list(invalid, maxHouses / 2),
  "fault at the end": () => list(invalid, last),
  "malformed at the end": () => list().subarray(0, -1),
  "invalid UTF-8 at the end": () => Buffer.concat([list().subarray(0, -1), Buffer.of(0xff)]),
  "empty objects": () => items("{}"),
  numbers: () => items("1"),
  strings: () => items('""'),
  "objects with unique keys": () => numbered('{"houses":[', (index) => `{"k${index}":0}`, "]}"),
  "unknown keys": () => numbered("{", (index) => `"k${index}":0`, "}"),
  "one repeated key": () => fill('{"a":0', ',"a":0', "}"),
  "deep lists": () => nested("[", "", "]"),
  "deep lists, truncated": () => nested("[", "", ""),
  "deep objects": () => nested('{"a":', "0", "}"),
  "deep objects, truncated": () => nested('{"a":', "", ""),
  ...Object.fromEntries(
    Object.entries(characters).flatMap(([name, character]) => [
      [`a string of ${name}`, long('"MedInc":"', character, '"')],
      [`a key of ${name}`, long('"', character, '":1')],
    ]),
  ),
  "a number of digits": long('"MedInc":1', "1", ""),
  "a number of zeros": long('"MedInc":0.', "0", "1"),
  "a number with a long exponent": long('"MedInc":1e', "1", ""),
};

const tokens = [...'{}[],:" \n\\-.e1_é😀\0', "\\u", '"houses"', "1e400", "true", "NaN"];
/** The start of a body, and a fragment that is repeated: any JSON value, or tokens in any order. */
const random = fc.tuple(
  fc.constantFrom("", "[0", '{"houses":[0', '{"houses":[{"MedInc":', '{"MedInc":"', '{"'),
  fc.oneof(
    fc.json().map((value) => `,${value}`),
    fc.string({ unit: fc.constantFrom(...tokens), minLength: 1 }),
  ),
);
const fuzz: Bodies = Object.fromEntries(
  fc.sample(random, { seed: 1, numRuns: 20 }).map(([start, fragment], index) => {
    const shown = JSON.stringify(start + fragment).slice(1, 60);
    return [`fuzz ${index + 1}: ${shown}`, () => fill(start, fragment, "]}")];
  }),
);

let requests = 0;
/** Splits a body in two. The first part has another population in each request, so it is a miss. */
function varied(body: Buffer): [Buffer, Buffer] {
  const start = Buffer.from(body.subarray(0, 512));
  const found = /"Population": ?"?(?=\d{4}\b)/.exec(start.toString("latin1"));
  if (found) start.write(String(1000 + (requests++ % 9000)), found.index + found[0].length);
  return [start, body.subarray(512)];
}

const padded = () => fill(`${list().subarray(0, -1)}`, " ", "}", 31_000_000);
const half = (body: Buffer) => varied(body.subarray(0, body.length / 2));

/** Sends the last byte late. */
async function* held(body: Buffer) {
  const [start, rest] = varied(body);
  yield* [start, rest.subarray(0, -1)];
  await sleep(slowMs);
  yield rest.subarray(-1);
}

/** Sends white space in chunks of one byte, as fast as the server accepts it. */
function* flood() {
  const chunks = Buffer.alloc(6 * 8192, "1\r\n \r\n");
  const end = performance.now() + slowMs;
  for (let sent = 0; sent < 31_000_000 && performance.now() < end; sent += 8192) yield chunks;
}

const named = (bodies: Bodies, isValid = false): readonly HostileBody[] =>
  Object.entries(bodies).map(([name, make]) => ({ name, make, isValid }));

/** All bodies, in the order of the report. */
export const hostileBodies: readonly HostileBody[] = [
  ...named(validLists, true),
  ...named(invalidBodies),
  { name: "held before the last byte", make: padded, isValid: true, partsOf: held, clients: 20 },
  { name: "a flood of one-byte chunks", make: list, partsOf: flood, isChunked: true, leaves: true },
  { name: "clients that leave halfway", make: list, partsOf: half, leaves: true },
  { name: "clients that leave at the end", make: list, leaves: true },
  ...named(fuzz),
];

/** Creates a hostile body. Returns a function that returns requests with it. */
export function attackWith(name: string): () => Upload {
  const hostile = hostileBodies.find((candidate) => candidate.name === name);
  if (hostile === undefined) throw new Error(`there is no hostile body ${name}`);
  const { make, partsOf = varied, isChunked, leaves = false } = hostile;
  const body = make();
  const head = Buffer.from(requestHead("/bulk_predict", isChunked ? "chunks" : body.length));
  async function* parts() {
    yield head;
    yield* partsOf(body);
  }
  return () => ({ parts: parts(), leaves });
}
