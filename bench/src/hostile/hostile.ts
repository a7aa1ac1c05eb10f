import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { firstAnswer } from "../first-answer.ts";
import { figureText } from "../figures.ts";
import { demandPinning, pin } from "../pinning.ts";
import type { Cell, Section, Verdict } from "../report.ts";
import { residentMiB } from "../resident-memory.ts";
import type { Scenario, Tell } from "../scenario.ts";
import { freePort, redisUrl, Servers, startRedis, stopper } from "../servers.ts";
import { type HostileCase, hostileCases } from "./bodies.ts";
import { Observed, type Order, Outcomes } from "./orders.ts";
import { createMemoryLimit, type Pod, startPod } from "./pod.ts";

const podCore = 0;
const clientCore = 1;
const crowd = 16;
const crowdRounds = 2;
const limits = { p99Ms: 25, worstMs: 100, worstHealthMs: 100, peakMiB: 480 };
/** The longest that a response may take before the service is started again. */
const patienceMs = 10_000;

/** Which bodies to send. */
export interface HostileOptions {
  /** Parts of their names; none stands for all bodies. */
  readonly names: readonly string[];
  /** How many random bodies there are. */
  readonly fuzzed: number;
  readonly seed: number;
  /** How long one client sends a body. */
  readonly seconds: number;
}

/** What happened while hostile clients sent a body. */
interface Phase extends Observed {
  readonly peakMiB: number;
  readonly outcomes: Outcomes;
  readonly degraded: number;
  /** How the service ended, if it did. */
  readonly death: string;
}

/** One client in a loop, and a crowd at once. */
interface Found {
  readonly hostile: HostileCase | undefined;
  readonly alone?: Phase;
  readonly together?: Phase;
}

/** Sends a message to a process and waits for its answer. */
async function tellProcess(child: ChildProcess, message: Order | "begin" | "rest") {
  const ended = new AbortController();
  const exit = () => ended.abort(new Error(`void: ${child.spawnargs.join(" ")} ended`));
  child.once("exit", exit);
  child.send(message);
  const [answer] = await once(child, "message", { signal: ended.signal });
  child.off("exit", exit);
  return answer;
}

function startClient(program: string, args: readonly string[]) {
  const child = fork(join(import.meta.dirname, program), args);
  return { port: 0, process: child, stop: stopper(child) };
}

/** A service that is started again when it has ended or does not respond. */
class RestartedPod {
  readonly #options: Parameters<typeof startPod>[0];
  #pod: Pod | undefined;

  constructor(options: Parameters<typeof startPod>[0]) {
    this.#options = options;
  }

  async running(): Promise<Pod> {
    if (this.#pod !== undefined) {
      const isFine = await firstAnswer(this.#pod, "GET /health", patienceMs).then(
        () => true,
        () => false,
      );
      if (isFine) return this.#pod;
      await this.stop();
    }
    this.#pod = await startPod(this.#options);
    return this.#pod;
  }

  async stop(): Promise<void> {
    await this.#pod?.stop();
    this.#pod = undefined;
  }
}

function deathOf({ process, errors }: Pod): string {
  if (process.exitCode === null && process.signalCode === null) return "";
  const [reason = ""] = /heap out of memory|Error: .*/.exec(errors()) ?? [];
  return `service ended: ${process.signalCode ?? process.exitCode} ${reason}`.trim();
}

class Stage {
  readonly #pod: RestartedPod;
  readonly #bystanders: ChildProcess;
  readonly #sender: ChildProcess;

  constructor(pod: RestartedPod, bystanders: ChildProcess, sender: ChildProcess) {
    this.#pod = pod;
    this.#bystanders = bystanders;
    this.#sender = sender;
  }

  /** Watches the other clients while the hostile ones send. */
  async phase(send: (port: number) => Promise<Outcomes>): Promise<Phase> {
    const pod = await this.#pod.running();
    const degraded = pod.degraded();
    // Sets the peak back to what is resident now (`man 5 proc`).
    writeFileSync(`/proc/${pod.process.pid}/clear_refs`, "5");
    let peakMiB = 0;
    const sample = () => {
      if (deathOf(pod) === "") peakMiB = Math.max(peakMiB, residentMiB(pod).peak);
    };
    const samples = setInterval(() => {
      try {
        sample();
      } catch {
        clearInterval(samples);
      }
    }, 100);
    await tellProcess(this.#bystanders, "begin");
    await sleep(200);
    const outcomes = await send(pod.port);
    await sleep(300);
    const observed = Observed.parse(await tellProcess(this.#bystanders, "rest"));
    clearInterval(samples);
    const death = deathOf(pod);
    if (death === "") sample();
    return { ...observed, peakMiB, outcomes, degraded: pod.degraded() - degraded, death };
  }

  async order(order: Order): Promise<Outcomes> {
    return Outcomes.parse(await tellProcess(this.#sender, order));
  }
}

async function attack(
  stage: Stage,
  hostile: HostileCase,
  { fuzzed, seed, seconds }: HostileOptions,
): Promise<Found> {
  await stage.order({ kind: "prepare", name: hostile.name, fuzzed, seed });
  const send = (clients: number, rounds: number, seconds: number) => (port: number) =>
    stage.order({ kind: "send", port, clients, rounds, seconds });
  if (hostile.clients !== undefined) {
    return { hostile, together: await stage.phase(send(hostile.clients, 1, 0)) };
  }
  const alone = await stage.phase(send(1, 1, seconds));
  return { hostile, alone, together: await stage.phase(send(crowd, crowdRounds, 0)) };
}

const tally = (counts: Outcomes) =>
  Object.entries(counts)
    .map(([name, times]) => `${name} ×${times}`)
    .join(", ");

function sum(one: Outcomes = {}, other: Outcomes = {}): Outcomes {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Object.fromEntries(
    Array.from(names, (name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]),
  );
}

/** Outcomes that a body must not have. */
function wrongOutcomes({ hostile, alone, together }: Found): Outcomes {
  const right = hostile?.isValid ? /^(200|left|refused)$/ : /^(4\d\d|left|refused)$/;
  const wrong = (outcomes: Outcomes = {}, expected: RegExp) =>
    Object.fromEntries(Object.entries(outcomes).filter(([name]) => !expected.test(name)));
  const rightOrBusy = new RegExp(`${right.source}|^503$`);
  return sum(wrong(alone?.outcomes, right), wrong(together?.outcomes, rightOrBusy));
}

function faultsOf(found: Found): string {
  const { alone, together } = found;
  const degraded = (alone?.degraded ?? 0) + (together?.degraded ?? 0);
  const wrong = tally(wrongOutcomes(found));
  return [
    alone?.death,
    together?.death,
    tally(sum(alone?.faults, together?.faults)),
    degraded > 0 && `cache degraded ×${degraded}`,
    wrong && `body answered with ${wrong}`,
  ]
    .filter(Boolean)
    .join("; ");
}

/** A figure, marked where it is over its limit. */
function judged(figure: number | undefined, limit: number): Cell {
  if (figure === undefined) return "";
  return figure <= limit ? figure : `${figureText(figure)} !`;
}

function rowOf(found: Found): readonly Cell[] {
  const { hostile, alone, together } = found;
  return [
    hostile?.name ?? "nothing",
    judged(alone?.worstHealthMs, limits.worstHealthMs),
    judged(alone?.p99Ms, limits.p99Ms),
    judged(alone?.worstMs, limits.worstMs),
    alone?.requestsPerSecond ?? "",
    judged(together?.worstHealthMs, limits.worstHealthMs),
    together?.p99Ms ?? "",
    together?.worstMs ?? "",
    judged(Math.max(alone?.peakMiB ?? 0, together?.peakMiB ?? 0), limits.peakMiB),
    tally(sum(alone?.outcomes, together?.outcomes)),
    faultsOf(found),
  ];
}

function verdictsOf(all: readonly Found[]): readonly Verdict[] {
  const worst = (measure: string, target: number, figureOf: (found: Found) => number): Verdict => {
    const figures = all.map((found) => ({ found, figure: figureOf(found) }));
    const { found, figure } = figures.reduce((a, b) => (b.figure > a.figure ? b : a));
    return { what: found.hostile?.name ?? "nothing", measure, figure, bound: "at most", target };
  };
  const both = (figureOf: (phase: Phase) => number) => (found: Found) =>
    Math.max(...[found.alone, found.together].map((phase) => (phase ? figureOf(phase) : 0)));
  return [
    worst("/predict, p99 ms, one hostile client", limits.p99Ms, ({ alone }) => alone?.p99Ms ?? 0),
    worst("/predict, worst ms, one hostile client", limits.worstMs, ({ alone }) => {
      return alone?.worstMs ?? 0;
    }),
    worst(
      "/health, worst ms",
      limits.worstHealthMs,
      both(({ worstHealthMs }) => worstHealthMs),
    ),
    worst(
      "resident MiB",
      limits.peakMiB,
      both(({ peakMiB }) => peakMiB),
    ),
    worst("requests of others lost or with another status, and wrong answers", 0, (found) => {
      const { alone, together } = found;
      const counts = sum(sum(alone?.faults, together?.faults), wrongOutcomes(found));
      return Object.values(counts).reduce((total, times) => total + times, 0);
    }),
    worst("log lines `cache degraded`", 0, ({ alone, together }) => {
      return (alone?.degraded ?? 0) + (together?.degraded ?? 0);
    }),
    worst("times that the service ended", 0, ({ alone, together }) => {
      return [alone, together].filter((phase) => phase?.death).length;
    }),
  ];
}

function report(all: readonly Found[], isLimited: boolean): Section {
  const memory = isLimited
    ? "has 512 MiB of memory (a cgroup)"
    : "has no memory limit, since no cgroup could be created";
  return {
    name: "hostile",
    title: "Hostile clients",
    about: `The service runs on one core, ${memory} and the container image's \`NODE_OPTIONS\`. Eight clients send \`/predict\` misses without pause, and a probe asks for \`/health\` every 20 ms, while one client sends a body again and again, and then ${crowd} clients send it at once, ${crowdRounds} times. \`nothing\` is the same without hostile clients.`,
    columns: [
      "body",
      "1 client: worst /health ms",
      "p99 /predict ms",
      "worst /predict ms",
      "/predict/s",
      "16 clients: worst /health ms",
      "p99 /predict ms",
      "worst /predict ms",
      "peak MiB",
      "responses",
      "faults",
    ],
    rows: all.map(rowOf),
    charts: [],
    verdicts: verdictsOf(all),
  };
}

function chosenCases({ names, fuzzed, seed }: HostileOptions): readonly HostileCase[] {
  const all = hostileCases(fuzzed, seed);
  const chosen = all.filter(
    ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
  );
  if (chosen.length > 0) return chosen;
  throw new Error(`no body is named so; there are:\n${all.map(({ name }) => name).join("\n")}`);
}

async function attackAll(stage: Stage, options: HostileOptions, tell: Tell): Promise<Found[]> {
  const cases = chosenCases(options);
  tell("nothing, for comparison");
  // The first seconds compile the code.
  for (let round = 0; round < 2; round++) await stage.phase(() => sleep(2_000, {}));
  const found: Found[] = [
    { hostile: undefined, alone: await stage.phase(() => sleep(options.seconds * 1000, {})) },
  ];
  for (const [index, hostile] of cases.entries()) {
    tell(`${index + 1} of ${cases.length}: ${hostile.name}`);
    const one = await attack(stage, hostile, options);
    found.push(one);
    tell(
      rowOf(one)
        .map((cell) => (typeof cell === "number" ? figureText(cell) : cell))
        .join(" | "),
    );
  }
  return found;
}

/** What hostile clients do to the others, and to the service. */
export const hostile =
  (options: HostileOptions): Scenario =>
  async (tell) => {
    demandPinning();
    chosenCases(options);
    await using servers = new Servers();
    execFileSync(
      "taskset",
      ["--all-tasks", "--cpu-list", "--pid", `${clientCore}`, `${process.pid}`],
      {
        stdio: "ignore",
      },
    );
    const limit = createMemoryLimit();
    const redis = await servers.add(
      startRedis(["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]),
    );
    pin(redis, clientCore);
    const port = await freePort();
    const environment = { REDIS_URL: redisUrl(redis) };
    const pod = new RestartedPod({ port, core: podCore, limit, environment });
    servers.defer(() => pod.stop());
    const bystanders = await servers.add(
      Promise.resolve(startClient("bystanders.ts", [`${port}`])),
    );
    const sender = await servers.add(Promise.resolve(startClient("sender.ts", [])));
    setPriority(sender.process.pid ?? 0, constants.priority.PRIORITY_LOW);
    const stage = new Stage(pod, bystanders.process, sender.process);
    return report(await attackAll(stage, options, tell), limit !== undefined);
  };
