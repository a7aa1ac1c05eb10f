import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type HostileBody, hostileBodies } from "../hostile/bodies.ts";
import { checkout } from "../houses.ts";
import { Client, countsText, type LoadOnServer } from "../load/client.ts";
import type { Measurement } from "../load/run-load.ts";
import { miss } from "../race.ts";
import { rowTable } from "../report/tables.ts";
import type { Scenario } from "../scenario.ts";
import { pin, redisUrl, startRedis, startService, statusOf, untilHealthy } from "../server.ts";
import type { Row } from "../turns.ts";

const podCore = 0;
const clientCore = 1;
const memoryBytes = 512 * 1024 * 1024;
const healthTimeoutMs = 10_000;
/** How long each phase of the row without an attack takes. */
const quietMs = 3_000;
const nothing: Pick<Measurement, "requests" | "faults"> = { requests: 0, faults: {} };
const misses = { path: "/predict", houses: 1, clients: 8, ...miss };
const probe = { path: "/health", pauseMs: 20 };

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

/** Starts the service as in a pod, the hostile clients and the other clients. */
async function start(stack: AsyncDisposableStack, report: (progress: string) => void) {
  pin(process.pid, clientCore);
  const settings = ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"];
  const redis = stack.use(await startRedis(...settings));
  const environment = { REDIS_URL: redisUrl(redis), ...imageVariables() };
  let memoryGroup: string | undefined;
  try {
    memoryGroup = createMemoryGroup();
    // In production, Redis runs on another machine. Here it shares a core with the clients.
    setPriority(redis.process.pid ?? 0, constants.priority.PRIORITY_HIGH);
    stack.defer(() => rmdirSync(memoryGroup ?? ""));
  } catch (error) {
    report(`memory is not limited: ${error}`);
  }
  const service = stack.use(await startService({ environment, memoryGroup, core: podCore }));
  const hostile = stack.use(new Client());
  setPriority(hostile.pid, constants.priority.PRIORITY_LOW);
  return { service, hostile, others: stack.use(new Client()), prober: stack.use(new Client()) };
}

type Stage = Awaited<ReturnType<typeof start>>;

/**
 * Measures what the other clients see during an attack.
 *
 * @param attack what the hostile clients send; nothing if undefined
 * @param right matches the outcomes that the attack may have
 * @throws {Error} if the service ends
 */
async function observe(stage: Stage, prefix: string, right: string, attack?: LoadOnServer) {
  const { service, hostile, others, prober } = stage;
  await untilHealthy(service, healthTimeoutMs);
  // Creates the body.
  if (attack) await hostile.measure(service, { ...attack, clients: 0 });
  const degradedBefore = service.degraded();
  // Resets the peak of the resident memory (`man 5 proc`).
  writeFileSync(`/proc/${service.process.pid}/clear_refs`, "5");
  const answers = Promise.all([others.measure(service, misses), prober.measure(service, probe)]);
  await sleep(200);
  const { requests, faults } = attack
    ? await hostile.measure(service, attack)
    : await sleep(quietMs, nothing);
  await sleep(300);
  for (const client of [others, prober]) client.stop();
  const [predict, health] = await answers;
  const ending = service.process.signalCode ?? service.process.exitCode;
  if (ending !== null) throw new Error(`the service ended with ${ending}`);
  const succeeded = Object.values(faults).reduce((rest, count) => rest - count, requests);
  const outcomes = { ...(succeeded > 0 && { 200: succeeded }), ...faults };
  const isRight = new RegExp(`^(?:${right})$`);
  const wrong = Object.entries(outcomes).filter(([outcome]) => !isRight.test(outcome));
  const degraded = service.degraded() - degradedBefore;
  return {
    figures: {
      [`${prefix}/health, worst ms`]: health.worst,
      [`${prefix}/predict, p99 ms`]: predict.p99,
      [`${prefix}/predict, worst ms`]: predict.worst,
    },
    peakMiB: statusOf(service, "VmHWM") / 1024,
    responses: countsText(outcomes),
    faults: [
      countsText(predict.faults),
      countsText(health.faults, "/health "),
      countsText(Object.fromEntries(wrong), "body "),
      degraded > 0 ? `cache degraded ×${degraded}` : "",
    ].filter(Boolean),
  };
}

export const hostile: Scenario = {
  name: "hostile",
  title: "Hostile clients",
  about: `The service has one core, 512 MiB of memory (a cgroup) and the variables of the container image. Eight clients send \`/predict\` misses, each the next one when the last one is answered, and a probe asks \`/health\` every 20 ms. Meanwhile one client sends a body in a loop; then a crowd of 16 clients sends it at once, twice. In rows without figures for one client, 20 or 200 clients send it at once. In the row \`nothing\` the hostile clients send nothing. The scenario fails if the service ends: SIGKILL means that it exceeded the memory limit, SIGABRT the limit of the heap.`,
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
  async measure(report, { bodies, fuzz, seed, seconds }) {
    const all = hostileBodies({ fuzz, seed });
    const isChosen = ({ name }: HostileBody) => bodies.some((part) => name.includes(part));
    const chosen = bodies.length > 0 ? all.filter(isChosen) : all;
    const names = all.map(({ name }) => name).join("\n");
    if (chosen.length === 0) throw new Error(`no body has such a name. There are:\n${names}`);
    await using stack = new AsyncDisposableStack();
    const stage = await start(stack, report);

    /** Lets one client send a body in a loop, then many clients at the same time. */
    async function row(body?: HostileBody): Promise<Row> {
      const { name = "nothing", clients, isValid = false, leaves = false } = body ?? {};
      const right = `${isValid ? "200" : "4.."}|left|refused`;
      const attack = body && { path: body.path, hostile: { name, fuzz, seed } };
      const loop = attack && { ...attack, rounds: 1, seconds };
      const many = { clients: clients ?? 16, rounds: clients ? 1 : 2, seconds: 0 };
      const crowd = attack && { ...attack, ...many };
      // A client that leaves does not wait for its last request, so it may exceed the limits alone.
      const rightAlone = leaves ? `${right}|503` : right;
      const alone = clients ? [] : [await observe(stage, "", rightAlone, loop)];
      const phases = [...alone, await observe(stage, "crowd: ", `${right}|503`, crowd)];
      const faults = phases.flatMap((phase) => phase.faults);
      return {
        body: name,
        ...Object.assign({}, ...phases.map(({ figures }) => figures)),
        "peak MiB": Math.max(...phases.map(({ peakMiB }) => peakMiB)),
        responses: phases.map(({ responses }) => responses || "none").join(" / "),
        faults: faults.join(", "),
        "number of faults": faults.length,
      };
    }
    await row();
    const rows: Row[] = [];
    for (const body of [undefined, ...chosen]) {
      const measured = await row(body);
      rows.push(measured);
      const cells = rowTable(hostile, [measured]).rows.flat().join(" | ");
      report(`${rows.length - 1} of ${chosen.length}: ${cells}`);
    }
    return rows;
  },
};
