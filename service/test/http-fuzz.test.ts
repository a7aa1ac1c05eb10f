import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { appUnderTest, serve } from "./app-under-test.ts";
import { type Conversation, conversation } from "./http-arbitraries.ts";
import { rawSocket } from "./raw-socket.ts";

/** `FUZZ_RUNS=50000 ./run.sh test service/test/http-fuzz.test.ts` opens more connections. */
const { FUZZ_RUNS = "1000" } = process.env;

/** No response takes longer, even on a busy machine. */
const patienceMs = 60_000;

interface ParsedResponse {
  readonly status: number;
  readonly body: string;
}

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [^\r\n]*$/;
const headerLine = /^[\w-]+: [^\r\n]*$/;

/**
 * Takes the final responses at the start of what a connection received.
 *
 * @param methods the methods of the requests. The response to `HEAD` has no body
 * @throws {Error} if the bytes are not HTTP
 */
function parse(text: string, methods: readonly string[]) {
  const responses: ParsedResponse[] = [];
  let rest = text;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1) break;
    const [first = "", ...lines] = rest.slice(0, end).split("\r\n");
    const status = Number(statusLine.exec(first)?.[1]);
    const wrong = lines.find((line) => !headerLine.test(line));
    if (Number.isNaN(status) || wrong !== undefined) throw new Error(`not HTTP: ${rest}`);
    const isInterim = status < 200;
    const length = /^content-length: (\d+)$/im.exec(lines.join("\n"))?.[1];
    const hasBody = !isInterim && methods[responses.length] !== "HEAD";
    if (hasBody && length === undefined) throw new Error(`a response without a length: ${rest}`);
    const bodyEnd = end + 4 + (hasBody ? Number(length) : 0);
    if (rest.length < bodyEnd) break;
    if (!isInterim) responses.push({ status, body: rest.slice(end + 4, bodyEnd) });
    rest = rest.slice(bodyEnd);
  }
  return { responses, rest };
}

/** Reads what a connection receives. */
function receive(socket: Socket) {
  let text = "";
  socket.setEncoding("latin1").on("data", (part) => {
    text += part;
  });
  // A server that has rejected a request may reset the connection while the client is still sending.
  socket.on("error", () => {});
  return () => text;
}

async function send(socket: Socket, text: string, splits: readonly number[]): Promise<void> {
  const places = splits.map((share) => Math.round(share * text.length)).sort((a, b) => a - b);
  let sent = 0;
  for (const end of [...places, text.length]) {
    socket.write(text.slice(sent, end), "latin1");
    sent = end;
    await nextTurn();
  }
}

async function until(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!isDone() && performance.now() < deadline) await delay(1);
}

/** Waits until the connection is closed. */
async function closed(socket: Socket): Promise<void> {
  if (socket.closed) return;
  await once(socket, "close", { signal: AbortSignal.timeout(patienceMs) }).catch((cause) => {
    throw new Error("the connection hangs", { cause });
  });
}

/** Asks the server to close the connection. */
const closingRequest = {
  method: "GET",
  text: "GET /hello?name=end HTTP/1.1\r\nConnection: close\r\n\r\n",
  expected: { status: 200, body: '{"message":"Hello end"}' },
};

/** Sends the requests of a connection, and checks everything that is known about the responses. */
async function converse(port: number, conversation: Conversation): Promise<void> {
  const { garbage, splits, isPipelined, isPatient } = conversation;
  const requests =
    garbage === undefined ? [...conversation.requests, closingRequest] : conversation.requests;
  const methods = requests.map(({ method }) => method);
  const socket = (await rawSocket(port)).setNoDelay();
  const received = receive(socket);
  const areAnswered = () => parse(received(), methods).responses.length >= requests.length;
  try {
    const text = requests.map(({ text }) => text).join("");
    if (garbage === undefined) await send(socket, text, splits);
    else {
      await send(socket, isPipelined ? text + garbage : text, splits);
      await until(() => areAnswered() || socket.closed);
      if (!isPipelined) await send(socket, garbage, splits);
      if (isPatient) await delay(10);
      socket.end();
    }
    await closed(socket);

    const { responses, rest } = parse(received(), methods);
    expect(responses.filter(({ status }) => status >= 500)).toEqual([]);
    expect(responses.length).toBeGreaterThanOrEqual(requests.length);
    for (const [index, { expected }] of requests.entries()) {
      if (expected) expect(responses[index]).toEqual(expected);
    }
    expect(rest).toBe("");
    if (garbage === undefined) expect(responses).toHaveLength(requests.length);
  } finally {
    socket.destroy();
  }
}

test("whatever clients send, each request gets its response, none is a 5xx, and no connection hangs", async () => {
  const port = await serve(appUnderTest());
  let requests = 0;
  let fragments = 0;
  await fc.assert(
    fc.asyncProperty(conversation, async (conversation) => {
      requests += conversation.requests.length;
      if (conversation.garbage !== undefined) fragments++;
      await converse(port, conversation);
    }),
    { numRuns: Number(FUZZ_RUNS), endOnFailure: false },
  );
  process.stdout.write(
    `${FUZZ_RUNS} connections with ${requests} requests, ${fragments} of them with garbage\n`,
  );
}, 3_600_000);
