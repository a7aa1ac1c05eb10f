import { setTimeout as sleep } from "node:timers/promises";
import { requestHead, type Upload } from "../load/connection.ts";
import type { HostileBody } from "./bodies.ts";

const slowMs = 5_000;
const trickleEveryMs = 20;
const floodBytes = 31_000_000;

let requests = 0;

/** Splits a body into two parts. The first one contains a different population each time. */
export function varied(body: Buffer): [Buffer, Buffer] {
  const start = Buffer.from(body.subarray(0, 512));
  const found = /"Population": ?"?(?=\d{4}\b)/.exec(start.toString("latin1"));
  if (found) start.write(String(1000 + (requests++ % 9000)), found.index + found[0].length);
  return [start, body.subarray(512)];
}

/** Sends the last byte late. */
export async function* held(body: Buffer) {
  const [start, rest] = varied(body);
  yield* [start, rest.subarray(0, -1)];
  await sleep(slowMs);
  yield rest.subarray(-1);
}

/** Sends one byte at a time. */
export async function* trickle(body: Buffer, framed = (byte: Buffer): Uint8Array => byte) {
  const end = performance.now() + slowMs;
  for (let at = 0; at < body.length && performance.now() < end; at++) {
    yield framed(body.subarray(at, at + 1));
    await sleep(trickleEveryMs);
  }
}

/** Sends one byte at a time, each in a chunk. */
export const trickleChunks = (body: Buffer) =>
  trickle(body, (byte) => Buffer.from(`1\r\n${byte}\r\n`));

/** Sends white space in chunks of one byte, as fast as the server accepts it. */
export function* flood() {
  const chunks = Buffer.alloc(6 * 8192, "1\r\n \r\n");
  const end = performance.now() + slowMs;
  for (let sent = 0; sent < floodBytes && performance.now() < end; sent += 8192) yield chunks;
}

/** Creates a body, and returns a function that returns a request with it. */
export function attackWith(hostile: HostileBody): () => Upload {
  const { path, header, make, partsOf = varied, isChunked, leaves = false } = hostile;
  const body = make();
  const head = requestHead(path, isChunked ? "chunks" : body.length, header);
  async function* parts() {
    yield Buffer.from(head);
    yield* partsOf(body);
  }
  return () => ({ parts: parts(), leaves });
}
