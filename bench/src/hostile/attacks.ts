import { setTimeout as sleep } from "node:timers/promises";
import { requestHead, type Upload } from "../load/connection.ts";
import type { HostileBody } from "./bodies.ts";

const slowMs = 5_000;
const trickleEveryMs = 20;
const floodBytes = 31_000_000;

let requests = 0;

/** Keeps a connection open. */
async function* nothing() {
  await sleep(1_000);
  yield Buffer.alloc(0);
}

/** Splits a body into two parts. The first one contains a different population each time. */
function varied(body: Buffer): [Buffer, Buffer] {
  const start = Buffer.from(body.subarray(0, 512));
  const found = /"Population": ?"?(?=\d{4}\b)/.exec(start.toString("latin1"));
  if (found) start.write(String(1000 + (requests++ % 9000)), found.index + found[0].length);
  return [start, body.subarray(512)];
}

async function* allButLast(body: Buffer) {
  const [start, rest] = varied(body);
  yield* [start, rest.subarray(0, -1)];
  await sleep(slowMs);
  yield rest.subarray(-1);
}

async function* trickle(body: Buffer, framed = (byte: Buffer): Uint8Array => byte) {
  const end = performance.now() + slowMs;
  for (let at = 0; at < body.length && performance.now() < end; at++) {
    yield framed(body.subarray(at, at + 1));
    await sleep(trickleEveryMs);
  }
}

/** Yields white space in chunks of one byte, as fast as the server accepts it. */
function* flood() {
  const chunks = Buffer.alloc(6 * 8192, "1\r\n \r\n");
  const end = performance.now() + slowMs;
  for (let sent = 0; sent < floodBytes && performance.now() < end; sent += 8192) yield chunks;
}

const chunk = (byte: Buffer) => Buffer.from(`1\r\n${byte}\r\n`);

/** The parts that each attack sends. Most clients disconnect after the last one. */
const attacks = {
  send: varied,
  "send nothing": nothing,
  hold: allButLast,
  trickle: (body) => trickle(body),
  "trickle chunks": (body) => trickle(body, chunk),
  "flood with chunks": flood,
  "leave halfway": (body) => varied(body.subarray(0, body.length / 2)),
  "leave at the end": varied,
} satisfies Readonly<Record<string, (body: Buffer) => Upload["parts"]>>;

/** How clients send a body. */
export type Attack = keyof typeof attacks;

/** Creates a body, and returns a function that returns a request with it. */
export function attackWith({ attack = "send", path, header, make }: HostileBody): () => Upload {
  const body = make();
  const head = requestHead(path, attack.endsWith("chunks") ? "chunks" : body.length, header);
  async function* parts() {
    if (attack !== "send nothing") yield Buffer.from(head);
    yield* attacks[attack](body);
  }
  const leaves = attack !== "send" && attack !== "hold";
  return () => ({ parts: parts(), leaves });
}
