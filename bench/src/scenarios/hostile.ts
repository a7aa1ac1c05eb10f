import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { Child } from "../child.ts";
import { type HostileBody, hostileBodies } from "../hostile/bodies.ts";
import { checkout } from "../houses.ts";
import { Client, miss } from "../load/client.ts";
import { rowTable } from "../report/tables.ts";
import type { Options, Scenario } from "../scenario.ts";
import * as servers from "../server.ts";
import type { Row } from "../turns.ts";

const podCore = 0;
const clientCore = 1;
const memoryBytes = 512 * 1024 * 1024;
/** How long `/health` may take before the service is started again. */
const timeoutMs = 10_000;
const misses = { path: "/predict", houses: 1, clients: 8, ...miss };
const probe = { path: "/health", pauseMs: 20 };

const Counts = z.record(z.string(), z.number());

/** Returns the variables of the container image that affect memory. */
export function imageVariables(): Readonly<Record<string, string>> {
  const dockerfile = readFileSync(join(checkout, "service/Dockerfile"), "utf8");
  const found = dockerfile.matchAll(/\b(NODE_OPTIONS|MALLOC_TRIM_THRESHOLD_)=(\S+)/g);
  return Object.fromEntries(Array.from(found, ([, name = "", value = ""]) => [name, value]));
}

/** Creates a cgroup that limits memory, with either version of cgroups. */
function createMemoryGroup(): string {
  const isFirst = existsSync("/sys/fs/cgroup/memory");
  const [parent, limit] = isFirst ? ["memory", "memory.limit_in_bytes"] : ["", "memory.max"];
  const group = join("/sys/fs/cgroup", parent, "prediction-service-bench");
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, limit), String(memoryBytes));
  return group;
}

const texts = (counts: Readonly<Record<string, number>>, prefix = "") =>
  Object.entries(counts).map(([name, count]) => `${prefix}${name} ×${count}`);

/** The service as in a pod, the hostile clients and the other clients. */
class Stage implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #sender = this.#stack.use(new Child("hostile/sender.ts"));
  readonly #others = this.#stack.use(new Client());
  readonly #prober = this.#stack.use(new Client());
  readonly #options: servers.ServiceOptions;
  #service: servers.Service | undefined;

  constructor(options: servers.ServiceOptions) {
    this.#options = options;
    setPriority(this.#sender.process.pid ?? 0, constants.priority.PRIORITY_LOW);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }

  /** Returns the service. Starts it again if it has ended or hangs. */
  async #running(): Promise<servers.Service> {
    if (this.#service !== undefined) {
      const healthy = servers.untilHealthy(this.#service, timeoutMs);
      if (await healthy.then(() => true).catch(() => false)) return this.#service;
      await this.#service[Symbol.asyncDispose]();
    }
    this.#service = await servers.startService(this.#options);
    return this.#service;
  }

  /** Measures what the other clients see while the hostile clients carry out an order. */
  async #observe(prefix: string, order: object, right: RegExp) {
    await this.#sender.ask({ ...order, origin: "", clients: 0 });
    const service = await this.#running();
    const { port, process, degraded } = service;
    const degradedBefore = degraded();
    // Resets the peak of the resident memory (`man 5 proc`).
    writeFileSync(`/proc/${process.pid}/clear_refs`, "5");
    const others = this.#others.measure(service, misses);
    const health = this.#prober.measure(service, probe);
    await sleep(200);
    const answer = await this.#sender.ask({ ...order, origin: `http://127.0.0.1:${port}` });
    const outcomes = Counts.parse(answer);
    await sleep(300);
    for (const client of [this.#others, this.#prober]) client.process.send("stop");
    const { p99, worst, faults } = await others;
    const probed = await health;
    const wrong = Object.entries(outcomes).filter(([name]) => !right.test(name));
    const lines = degraded() - degradedBefore;
    const status = process.signalCode ?? process.exitCode;
    const end = status === null ? [] : [`service ended: ${status}`];
    return {
      figures: {
        [`${prefix}/health, worst ms`]: probed.worst,
        [`${prefix}/predict, p99 ms`]: p99,
        [`${prefix}/predict, worst ms`]: worst,
      },
      // 0 if the service has ended.
      peakMiB: (servers.statusOf(service, "VmHWM") || 0) / 1024,
      responses: texts(outcomes).join(", "),
      faults: [
        ...[...end, ...texts(faults), ...texts(probed.faults, "/health ")],
        ...texts(Object.fromEntries(wrong), "body "),
        ...(lines > 0 ? [`cache degraded ×${lines}`] : []),
      ],
    };
  }

  /** Lets one client send a body in a loop, then many clients at the same time. */
  async row({ name, clients, isValid }: HostileBody, options: Options): Promise<Row> {
    const right = isValid ? "200|left|refused" : "4..|left|refused";
    const loop = { ...options, name, clients: 1, rounds: 1 };
    const crowd = { ...loop, clients: clients ?? 16, rounds: clients ? 1 : 2, seconds: 0 };
    const isAlone = clients === undefined;
    const alone = isAlone ? [await this.#observe("", loop, new RegExp(right))] : [];
    const phases = [...alone, await this.#observe("crowd: ", crowd, new RegExp(`${right}|503`))];
    const faults = phases.flatMap((phase) => phase.faults);
    return {
      body: name,
      ...Object.assign({}, ...phases.map(({ figures }) => figures)),
      "peak MiB": Math.max(...phases.map(({ peakMiB }) => peakMiB)),
      responses: phases.map(({ responses }) => responses).join(" / "),
      faults: faults.join(", "),
      "number of faults": faults.length,
    };
  }
}

export const hostile: Scenario = {
  name: "hostile",
  title: "Hostile clients",
  about: `The service has one core, 512 MiB of memory (a cgroup) and the variables of the container image. Eight clients send \`/predict\` misses, each the next one when the last one is answered, and a probe asks \`/health\` every 20 ms. Meanwhile one client sends a body in a loop; then a crowd of 16 clients sends it at once, twice. In rows without figures for one client, 20 or 200 clients send it at once. In the row \`nothing\` the hostile clients send nothing. If the service ended, its peak is missing: SIGKILL means that it exceeded the memory limit, SIGABRT the limit of the heap.`,
  columns: [
    ...["body", "/health, worst ms", "/predict, p99 ms", "/predict, worst ms"],
    ...["crowd: /health, worst ms", "crowd: /predict, p99 ms", "crowd: /predict, worst ms"],
    ...["peak MiB", "responses", "faults"],
  ],
  targets: [
    { column: "/predict, p99 ms", atMost: 25 },
    { column: "/predict, worst ms", atMost: 100 },
    { column: "/health, worst ms", atMost: 100 },
    { column: "crowd: /health, worst ms", atMost: 100 },
    { column: "peak MiB", atMost: 480 },
    { column: "number of faults", atMost: 0 },
  ],
  async measure(report, options) {
    const [nothing, ...all] = hostileBodies(options);
    const isChosen = ({ name }: HostileBody) => options.bodies.some((part) => name.includes(part));
    const chosen = options.bodies.length > 0 ? all.filter(isChosen) : all;
    const names = all.map(({ name }) => name).join("\n");
    if (!nothing || !chosen[0]) throw new Error(`no body has such a name. There are:\n${names}`);
    await using stack = new AsyncDisposableStack();
    servers.pin(process.pid, clientCore);
    const settings = ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"];
    const redis = stack.use(await servers.startRedis(...settings));
    const environment = { REDIS_URL: servers.redisUrl(redis), ...imageVariables() };
    let memoryGroup: string | undefined;
    try {
      memoryGroup = createMemoryGroup();
      // In production, Redis runs on another machine. Here it shares a core with the clients.
      setPriority(redis.process.pid ?? 0, constants.priority.PRIORITY_HIGH);
      stack.defer(() => rmdirSync(memoryGroup ?? ""));
    } catch (error) {
      report(`memory is not limited: ${error}`);
    }
    const stage = stack.use(new Stage({ environment, memoryGroup, core: podCore }));

    await stage.row(nothing, options);
    const rows: Row[] = [];
    for (const body of [nothing, ...chosen]) {
      const row = await stage.row(body, options);
      rows.push(row);
      const cells = rowTable(hostile, [row]).rows.flat().join(" | ");
      report(`${rows.length - 1} of ${chosen.length}: ${cells}`);
    }
    return rows;
  },
};
