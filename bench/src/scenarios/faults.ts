import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, countsText } from "../load/client.ts";
import { newBodies } from "../request-bodies.ts";
import type { Scenario } from "../scenario.ts";
import { redisUrl, type Server, startRedis, startService } from "../server.ts";
import type { Row } from "../turns.ts";

const load = { path: "/bulk_predict", houses: 10, known: 0.5, perSecond: 300 };
const faultMs = 3_000;

const eachKey = (write: string) =>
  ["eval", `for _, key in ipairs(redis.call('keys', '*')) do ${write} end`, "0"] as const;

/** What causes a state of Redis and what ends it: a signal, lines of commands, a repeated command. */
const redisFaults = [
  { fault: "Redis is killed", begin: "SIGKILL" },
  { fault: "Redis hangs", begin: "SIGSTOP", end: "SIGCONT" },
  { fault: "Redis replies after up to 200 ms", repeat: ["debug", "sleep", "0.2"] },
  { fault: "Redis closes all connections", repeat: ["client", "kill", "type", "normal"] },
  {
    fault: "Redis is full",
    begin: "config set maxmemory-policy noeviction maxmemory 1",
    end: "config set maxmemory 0",
  },
  {
    fault: "Redis is a read-only replica",
    begin: "replicaof localhost 1",
    end: "replicaof no one",
  },
  {
    fault: "Redis requires another password",
    begin: "config set requirepass other\nauth other\nclient kill type normal",
    end: 'auth other\nconfig set requirepass ""',
  },
  {
    fault: "Redis loads its data",
    begin: "config set loading-process-events-interval-bytes 1024 key-load-delay 1000",
    repeat: ["debug", "reload"],
    end: "config set key-load-delay 0",
  },
  { fault: "all entries are garbage", repeat: eachKey("redis.call('set', key, 'garbage')") },
  {
    fault: "all entries are lists",
    repeat: eachKey("redis.call('del', key) redis.call('rpush', key, 'x')"),
  },
];

async function inflict({ port, process }: Server, fault: (typeof redisFaults)[number]) {
  const { begin, repeat, end } = fault;
  const options = ["-p", String(port)];
  function act(text = "") {
    if (text.startsWith("SIG")) execFileSync("kill", ["-s", text, String(process.pid)]);
    else execFileSync("redis-cli", options, { input: text });
  }
  act(begin);
  const often = [...options, "-r", "1000", "-i", "0.02"];
  const repeating = repeat && spawn("redis-cli", [...often, ...repeat]);
  await sleep(faultMs);
  repeating?.kill();
  if (begin !== "SIGKILL") act(end);
}

/** Sends a request until its response is as expected. Returns the seconds. */
async function until(isOver: (response: Response) => Promise<boolean>, url: string, init = {}) {
  const start = performance.now();
  for (let attempts = 0; attempts < 1_000; attempts++) {
    const response = await fetch(url, init).catch(() => undefined);
    if (response && (await isOver(response))) return (performance.now() - start) / 1000;
    await sleep(20);
  }
  throw new Error("the service does not recover");
}

const headers = { "Content-Type": "application/json" };
const newBody = newBodies(load.path, load.houses, 2);

export const faults: Scenario = {
  name: "faults",
  title: "Faults under load",
  about: `${load.perSecond} requests per second at random moments, each for ${load.houses} houses, half of them known. The service has its default limits and a Redis, and keeps nothing in memory. A fault of Redis begins a second after the load, and lasts ${faultMs / 1000} s. Then the load continues until a new response is found in Redis; the last column is that time. When a worker of two is killed, it is the time until two listen again. When the service is killed, it starts again on its port; the last column is the time until it is healthy. When the service is stopped, it has \`DRAIN_SECONDS=1\`, and clients go elsewhere after 0.5 s, as when a load balancer notices \`/health\`. Latencies are those of responses with 200.`,
  columns: ["fault", "requests", "not 200", "p99 ms", "worst ms", "recovered after s"],
  targets: [
    { column: "lost", atMost: 0 },
    { column: "lost by the killed worker", atMost: 16 },
    { column: "worst ms", atMost: 1_000 },
  ],
  async measure(report) {
    await using stack = new AsyncDisposableStack();
    const client = stack.use(new Client());
    const folder = mkdtempSync(join(tmpdir(), "bench-faults-"));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const settings = ["--dir", folder, "--enable-debug-command", "yes"];
    let redis = stack.use(await startRedis(...settings));
    const environment = { REDIS_URL: redisUrl(redis), CACHE_MEMORY_BYTES: "0" };
    const start = async (more = {}, port?: number) =>
      stack.use(await startService({ environment: { ...environment, ...more }, port }));
    const rows: Row[] = [];

    /** @param lostColumn the column of failed requests, which has a target of its own */
    async function row(
      fault: string,
      server: Server,
      act: (url: string) => Promise<number>,
      lostColumn = "lost",
    ) {
      report(fault);
      await client.measure(server, { ...load, seconds: 0.1 });
      const measured = client.measure(server, load);
      await sleep(1_000);
      const seconds = await act(`http://127.0.0.1:${server.port}`);
      client.stop();
      const { requests, p99, worst, faults } = await measured;
      const lost = Object.values(faults).reduce((sum, count) => sum + count, 0);
      rows.push({
        ...{ fault, requests, "not 200": countsText(faults), "p99 ms": p99, "worst ms": worst },
        ...{ "recovered after s": seconds },
        [lostColumn]: lost,
      });
    }
    const isHit = async (response: Response) =>
      (await response.bytes()) && response.headers.get("x-cache") === "HIT";

    const service = await start();
    for (const fault of [{ fault: "none", begin: "", end: "" }, ...redisFaults]) {
      await row(fault.fault, service, async (url) => {
        await inflict(redis, fault);
        if (fault.begin === "SIGKILL") {
          const { port } = redis;
          // Of two equal options, Redis uses the last one.
          redis = { ...stack.use(await startRedis(...settings, "--port", `${port}`)), port };
        }
        return until(isHit, url + load.path, { method: "POST", body: newBody(), headers });
      });
    }
    const workers = await start({ WORKERS: "2" });
    const { pid } = workers.process;
    const youngest = () =>
      Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").at(-1));
    let killed: number | undefined;
    const isComplete = async (response: Response) =>
      (await response.text()).includes("\nprediction_processes 3\n") && youngest() !== killed;
    const complete = (url: string) => until(isComplete, `${url}/metrics`);
    await complete(`http://127.0.0.1:${workers.port}`);
    const killWorker = (url: string) => {
      killed = youngest();
      process.kill(killed, "SIGKILL");
      return complete(url);
    };
    await row("a worker of two is killed", workers, killWorker, "lost by the killed worker");
    const only = await start();
    const killOnly = async () => {
      const begin = performance.now();
      only.process.kill("SIGKILL");
      await once(only.process, "exit");
      await start({}, only.port);
      return (performance.now() - begin) / 1000;
    };
    await row("the only process is killed", only, killOnly, "lost until the next one listens");
    const stopping = await start({ DRAIN_SECONDS: "1" });
    await row("SIGTERM, and clients go elsewhere", stopping, async () => {
      stopping.process.kill("SIGTERM");
      await sleep(500);
      return 0;
    });
    return rows;
  },
};
