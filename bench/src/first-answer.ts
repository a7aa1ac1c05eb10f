import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "./servers.ts";

const pollMs = 2;

/** Sends one request on a connection of its own; the first bytes of what comes back. */
async function tryOnce(port: number, request: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    socket.write(`${request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    const [bytes] = await once(socket, "data");
    return String(bytes);
  } finally {
    socket.destroy();
  }
}

/**
 * Asks a server that is starting every two milliseconds, which costs little while nothing listens,
 * until it answers 200.
 *
 * @param request such as `GET /health`
 * @throws where it ends instead, or does not answer so in time
 */
export async function firstAnswer(
  { port, process }: Server,
  request: string,
  patienceMs = 30_000,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (process.exitCode === null && performance.now() < end) {
    const answer = await tryOnce(port, request).catch(() => "");
    if (answer.startsWith("HTTP/1.1 200 ")) return;
    await sleep(pollMs);
  }
  throw new Error(`void: ${process.spawnargs.join(" ")} did not come to answer ${request}`);
}
