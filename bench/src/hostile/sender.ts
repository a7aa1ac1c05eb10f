import { setTimeout as sleep } from "node:timers/promises";
import { type HostileCase, counterMark, hostileCases } from "./bodies.ts";
import { Connection, type Outcome, requestHead } from "./connection.ts";
import { Order } from "./orders.ts";

// The hostile clients, in a process of their own. It makes the body that it is told by name, sends it
// as often as it is told, and answers with how often each outcome occurred.

const holdMs = 5_000;
const trickleMs = 5_000;
const trickleEveryMs = 20;
const floodMs = 10_000;
/** The counter is in these first bytes. */
const variedBytes = 512;

let requests = 0;

/** A body in two parts; the first has a number of its own in place of the counter. */
function varied(body: Buffer): [Buffer, Buffer] {
  const start = Buffer.from(body.subarray(0, variedBytes));
  const at = start.indexOf(counterMark);
  if (at >= 0) start.write(String(1000 + (requests++ % 9000)), at);
  return [start, body.subarray(variedBytes)];
}

async function* everyByte(parts: readonly Buffer[], frame: (byte: Buffer) => Buffer) {
  const end = performance.now() + trickleMs;
  for (const part of parts) {
    for (let at = 0; at < part.length && performance.now() < end; at++) {
      yield frame(part.subarray(at, at + 1));
      await sleep(trickleEveryMs);
    }
  }
}

const chunk = (byte: Buffer) => Buffer.concat([Buffer.from("1\r\n"), byte, Buffer.from("\r\n")]);

/** White space, one byte a chunk, in pieces of some kilobytes. */
function* flood() {
  const piece = Buffer.alloc(6 * 8192, "1\r\n \r\n");
  const end = performance.now() + floodMs;
  for (let bytes = 0; bytes < 31_000_000 && performance.now() < end; bytes += 8192) yield piece;
}

const label = (outcome: Outcome) =>
  outcome.kind === "answered" ? String(outcome.status) : outcome.kind;

/** Sends until the parts end, and then leaves, answered or not. */
async function leaveAfter(port: number, parts: Iterable<Buffer> | AsyncIterable<Buffer>) {
  const connection = new Connection(port);
  let isAtEnd = false;
  async function* withEnd() {
    yield* parts;
    isAtEnd = true;
    connection.close();
  }
  const outcome = await connection.request(withEnd());
  return isAtEnd ? "left" : label(outcome);
}

type Attacker = (port: number) => Promise<string>;

/** A client's way to send: called again and again, it returns the outcome of one request. */
function attackerOf({ attack = "send", path, contentType }: HostileCase, body: Buffer): Attacker {
  const head = requestHead(path, body.length, contentType);
  const chunkedHead = requestHead(path);
  let connection: Connection | undefined;
  switch (attack) {
    case "send":
      return async (port) => {
        if (!connection?.isOpen) connection = new Connection(port);
        return label(await connection.request([head, ...varied(body)]));
      };
    case "hold the last byte":
      return async (port) => {
        const [start, rest] = varied(body);
        const parts = async function* () {
          yield* [head, start, rest.subarray(0, -1)];
          await sleep(holdMs);
          yield rest.subarray(-1);
        };
        return label(await new Connection(port).request(parts()));
      };
    case "trickle":
      return (port) =>
        leaveAfter(
          port,
          everyByte([head, body], (byte) => byte),
        );
    case "trickle chunks":
      return (port) =>
        leaveAfter(
          port,
          (async function* () {
            yield chunkedHead;
            yield* everyByte([body], chunk);
          })(),
        );
    case "flood with chunks":
      return (port) =>
        leaveAfter(
          port,
          (function* () {
            yield chunkedHead;
            yield* flood();
          })(),
        );
    case "leave halfway":
      return (port) => {
        const [start, rest] = varied(body);
        return leaveAfter(port, [head, start, rest.subarray(0, rest.length / 2)]);
      };
    case "leave at the end":
      return (port) => leaveAfter(port, [head, ...varied(body)]);
  }
}

let made:
  | { readonly name: string; readonly hostile: HostileCase; readonly body: Buffer }
  | undefined;

function prepare(name: string, fuzzed: number, seed: number) {
  const hostile = hostileCases(fuzzed, seed).find((candidate) => candidate.name === name);
  if (hostile === undefined) throw new Error(`there is no body ${name}`);
  made = { name, hostile, body: hostile.makeBody() };
}

async function send(port: number, clients: number, rounds: number, seconds: number) {
  if (made === undefined) throw new Error("there is no body yet");
  const { hostile, body } = made;
  const outcomes: Record<string, number> = {};
  const end = performance.now() + seconds * 1000;
  const run = async () => {
    const attack = attackerOf(hostile, body);
    for (let round = 1; ; round++) {
      const outcome = await attack(port);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome === "lost" || outcome === "refused") await sleep(50);
      if (round >= rounds && performance.now() >= end) return;
    }
  };
  await Promise.all(Array.from({ length: clients }, run));
  return outcomes;
}

process.on("message", async (message) => {
  const order = Order.parse(message);
  if (order.kind === "prepare") prepare(order.name, order.fuzzed, order.seed);
  const outcomes =
    order.kind === "send" ? await send(order.port, order.clients, order.rounds, order.seconds) : {};
  process.send?.(outcomes);
});
