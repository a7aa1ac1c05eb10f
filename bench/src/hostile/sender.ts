import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Connection, requestHead } from "../load/connection.ts";
import { type HostileBody, hostileBodies } from "./bodies.ts";

// The hostile clients, in their own process. A message is an order to send a body. The answer is
// how often each outcome occurred: a status, `refused`, `lost` or `left`.

const slowMs = 5_000;
const trickleEveryMs = 20;
const floodBytes = 31_000_000;

const Order = z.object({
  ...{ name: z.string(), fuzz: z.number(), seed: z.number(), origin: z.string() },
  /** With 0 clients, the body is only created. */
  clients: z.number(),
  /** Each client sends the body at least this often and for at least this long. */
  ...{ rounds: z.number(), seconds: z.number() },
});

type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

let requests = 0;

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
  "send nothing": () => [],
  hold: allButLast,
  trickle: (body) => trickle(body),
  "trickle chunks": (body) => trickle(body, chunk),
  "flood with chunks": flood,
  "leave halfway": (body) => varied(body.subarray(0, body.length / 2)),
  "leave at the end": varied,
} satisfies Readonly<Record<string, (body: Buffer) => Parts>>;

/** How clients send a body. */
export type Attack = keyof typeof attacks;

/** Creates a client. It sends one request at a time, and reuses a connection that is still open. */
function clientOf({ attack = "send", path, header }: HostileBody, body: Buffer) {
  const isInChunks = attack.endsWith("chunks");
  const isPatient = attack === "send" || attack === "hold";
  const head = Buffer.from(requestHead(path, isInChunks ? "chunks" : body.length, header));
  let connection: Connection | undefined;
  return async (origin: string): Promise<string> => {
    if (attack === "send nothing") return sleep(1_000, "left");
    const open = connection?.isOpen ? connection : new Connection(origin);
    connection = open;
    let hasLeft = false;
    async function* parts() {
      yield head;
      yield* attacks[attack](body);
      hasLeft = !isPatient;
      if (hasLeft) open.close();
    }
    const { status } = await open.upload(parts());
    return hasLeft ? "left" : status;
  };
}

let last: { readonly hostile: HostileBody; readonly body: Buffer } | undefined;

process.on("message", async (message) => {
  const { name, origin, clients, rounds, seconds, ...random } = Order.parse(message);
  const hostile = hostileBodies(random).find((candidate) => candidate.name === name);
  if (hostile === undefined) throw new Error(`there is no body ${name}`);
  if (last?.hostile.name !== name) last = { hostile, body: hostile.make() };
  const { body } = last;
  const outcomes: Record<string, number> = {};
  const end = performance.now() + seconds * 1000;
  const run = async () => {
    const send = clientOf(hostile, body);
    for (let round = 0; round < rounds || performance.now() < end; round++) {
      const outcome = await send(origin);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (outcome === "lost" || outcome === "refused") await sleep(50);
    }
  };
  await Promise.all(Array.from({ length: clients }, run));
  process.send?.(outcomes);
});
