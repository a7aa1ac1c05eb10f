import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type HostileBody, hostileBodies } from "../hostile-bodies.ts";
import { Client, countsText, type LoadOnServer } from "../load/client.ts";
import type { Row, Run, Scenario } from "../scenario.ts";
import * as servers from "../server.ts";
import { miss } from "../turns.ts";

const misses = { path: "/predict", houses: 1, clients: 8, ...miss };
const probe = { path: "/health", pauseMs: 20 };

/** Creates a cgroup that limits memory to 512 MiB, with either version of cgroups. */
function createMemoryGroup(): string {
  const isFirst = existsSync("/sys/fs/cgroup/memory");
  const [parent, limit] = isFirst ? ["memory", "memory.limit_in_bytes"] : ["", "memory.max"];
  const group = join("/sys/fs/cgroup", parent, "prediction-service-bench");
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, limit), "512M");
  return group;
}

/** Starts the service as in a pod, the hostile clients and the other clients. */
async function start({ stack, report }: Run) {
  const settings = ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"];
  const redis = stack.use(await servers.startRedis(settings));
  servers.pin(redis.process.pid, servers.clientCore);
  const environment = { REDIS_URL: servers.redisUrl(redis), ...servers.imageVariables() };
  let setUp = servers.onOwnCore;
  try {
    const group = createMemoryGroup();
    stack.defer(() => rmdirSync(group));
    setUp += `; echo $$ > ${group}/cgroup.procs`;
    // In production, Redis runs on another machine. Here it shares a core with the clients.
    setPriority(redis.process.pid ?? 0, constants.priority.PRIORITY_HIGH);
  } catch (error) {
    report(`memory is not limited: ${error}`);
  }
  const service = stack.use(await servers.startService({ environment, setUp }));
  const startClient = () => stack.use(new Client(servers.clientCore));
  const hostile = startClient();
  setPriority(hostile.pid, constants.priority.PRIORITY_LOW);
  return { service, hostile, others: startClient(), prober: startClient() };
}
type Stage = Awaited<ReturnType<typeof start>>;

/** Measures what the other clients see during an attack. `right` are the outcomes it may have. */
async function observe(stage: Stage, prefix: string, right: string, attack?: LoadOnServer) {
  const { service, hostile, others, prober } = stage;
  // Creates the body.
  if (attack) await hostile.measure(service, { ...attack, clients: 0 });
  const linesBefore = service.lines.length;
  // Resets the peak of the resident memory (`man 5 proc`).
  writeFileSync(`/proc/${service.process.pid}/clear_refs`, "5");
  const answers = Promise.all([others.measure(service, misses), prober.measure(service, probe)]);
  await sleep(200);
  const attacked = attack ? await hostile.measure(service, attack) : await sleep(3_000);
  await sleep(300);
  for (const client of [others, prober]) client.stop();
  const [predict, health] = await answers;
  await servers.untilHealthy(service, 10_000);
  const outcomes = { 200: attacked?.figures.right ?? 0, ...attacked?.faults };
  const isWrong = ([outcome]: [string, number]) => !new RegExp(`^(?:${right})$`).test(outcome);
  return {
    figures: {
      [`${prefix}/health, worst ms`]: health.figures["worst ms"],
      [`${prefix}/predict, p99 ms`]: predict.figures["p99 ms"],
      [`${prefix}/predict, worst ms`]: predict.figures["worst ms"],
    },
    peakMiB: servers.statusOf(service, "VmHWM") / 1024,
    responses: countsText(outcomes) || "none",
    faults: [
      countsText(predict.faults),
      countsText(health.faults, "/health "),
      countsText(Object.fromEntries(Object.entries(outcomes).filter(isWrong)), "body "),
      countsText({ warnings: service.lines.length - linesBefore }),
    ].filter(Boolean),
  };
}

/** Lets one client send a body in a loop, then many clients at the same time. */
async function attack(stage: Stage, seconds: number, body?: HostileBody): Promise<Row> {
  const { name = "nothing", clients, isValid = false, leaves = false } = body ?? {};
  const load = body && { path: "/bulk_predict", hostile: name };
  const loop = load && { ...load, rounds: 1, seconds };
  const crowd = load && { ...load, clients: clients ?? 16, rounds: clients ? 1 : 2, seconds: 0 };
  const right = `${isValid ? "200" : "4.."}|left|refused`;
  // A client that leaves does not wait for its last request, so it may exceed the limits alone.
  const rightAlone = leaves ? `${right}|503` : right;
  const alone = clients ? [] : [await observe(stage, "", rightAlone, loop)];
  const phases = [...alone, await observe(stage, "crowd: ", `${right}|503`, crowd)];
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

export const hostile: Scenario = {
  name: "hostile",
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
  async measure(run) {
    const { body: parts = [""], seconds } = run;
    const chosen = hostileBodies.filter(({ name }) => parts.some((part) => name.includes(part)));
    if (chosen.length === 0) throw new Error(`no body has ${parts.join(" or ")} in its name`);
    const stage = await start(run);
    await attack(stage, seconds);
    const rows: Row[] = [];
    for (const body of [undefined, ...chosen]) {
      run.report(`${rows.length} of ${chosen.length}: ${body?.name ?? "nothing"}`);
      rows.push(await attack(stage, seconds, body));
    }
    return rows;
  },
};
