import { setTimeout as sleep } from "node:timers/promises";
import { singleBodies } from "../houses.ts";
import { quantile } from "../statistics.ts";
import { Connection, type Outcome, requestHead } from "./connection.ts";
import type { Observed } from "./orders.ts";

// The other clients, in a process of their own: from the message "begin" to the message "rest", eight
// send `/predict` misses without pause, and a probe asks for `/health` every 20 ms. What they saw is
// the answer to "rest".
const port = Number(process.argv[2]);
const clients = 8;
const probeEveryMs = 20;
const patienceMs = 10_000;

const bodies = singleBodies();
const probe = requestHead("/health", 0);

let isResting = true;
let running: readonly Promise<void>[] = [];
let latenciesMs: number[] = [];
let probesMs: number[] = [];
let faults: Record<string, number> = {};
let startMs = 0;

function note(name: string): void {
  faults[name] = (faults[name] ?? 0) + 1;
}

function faultOf(outcome: Outcome): string | undefined {
  if (outcome.kind !== "answered") return "lost";
  if (outcome.status !== 200) return String(outcome.status);
  const [, cache] = /\r\nx-cache: (\w+)/.exec(outcome.head) ?? [];
  return cache === "miss" ? undefined : `${cache}`;
}

async function postMisses(): Promise<void> {
  let connection = new Connection(port, patienceMs);
  while (!isResting) {
    const body = bodies.next();
    const request = Buffer.concat([requestHead("/predict", body.length), Buffer.from(body)]);
    const start = performance.now();
    const outcome = await connection.request([request]);
    latenciesMs.push(performance.now() - start);
    const fault = faultOf(outcome);
    if (fault !== undefined) note(fault);
    if (outcome.kind !== "answered") await sleep(50);
    if (!connection.isOpen) connection = new Connection(port, patienceMs);
  }
  connection.close();
}

/** Asks on a new connection where the response to an earlier probe is still to come. */
async function probeHealth(): Promise<void> {
  const idle: Connection[] = [];
  const asked: Promise<void>[] = [];
  const ask = async () => {
    let connection = idle.pop();
    if (!connection?.isOpen) connection = new Connection(port, patienceMs);
    const start = performance.now();
    const outcome = await connection.request([probe]);
    probesMs.push(performance.now() - start);
    if (outcome.kind !== "answered") note("health lost");
    else if (outcome.status !== 200) note(`health ${outcome.status}`);
    idle.push(connection);
  };
  while (!isResting) {
    asked.push(ask());
    await sleep(probeEveryMs);
  }
  await Promise.all(asked);
  for (const connection of idle) connection.close();
}

function begin(): void {
  isResting = false;
  latenciesMs = [];
  probesMs = [];
  faults = {};
  startMs = performance.now();
  running = [...Array.from({ length: clients }, postMisses), probeHealth()];
}

async function rest(): Promise<Observed> {
  isResting = true;
  const seconds = (performance.now() - startMs) / 1000;
  await Promise.all(running);
  return {
    requestsPerSecond: latenciesMs.length / seconds,
    p99Ms: quantile(latenciesMs, 0.99),
    worstMs: quantile(latenciesMs, 1),
    worstHealthMs: quantile(probesMs, 1),
    faults,
  };
}

process.on("message", async (message) => {
  if (message === "begin") begin();
  process.send?.(message === "begin" ? {} : await rest());
});
