import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, countsText } from "../load/client.ts";
import { newBodies } from "../request-bodies.ts";
import type { Row, Scenario } from "../scenario.ts";
import { redisUrl, type Server, startRedis, startService, until } from "../server.ts";

const load = { path: "/bulk_predict", houses: 10, known: 0.5, perSecond: 300 };
const faultMs = 3_000;
const timeoutMs = 60_000;

const eachKey = (write: string) =>
  `eval "for _, key in ipairs(redis.call('keys', '*')) do ${write} end" 0`;

type RedisFault = Readonly<Partial<Record<"begin" | "repeat" | "end", string>> & { name: string }>;
/** What begins a fault, is repeated during it, and ends it: a signal, or commands for Redis. */
const redisFaults: readonly RedisFault[] = [
  { name: "none" },
  { name: "Redis is killed", begin: "SIGKILL" },
  { name: "Redis hangs", begin: "SIGSTOP", end: "SIGCONT" },
  { name: "Redis replies after up to 200 ms", repeat: "debug sleep 0.2" },
  { name: "Redis closes all connections", repeat: "client kill type normal" },
  {
    name: "Redis is full",
    begin: "config set maxmemory-policy noeviction maxmemory 1",
    end: "config set maxmemory 0",
  },
  { name: "Redis is a read-only replica", begin: "replicaof localhost 1", end: "replicaof no one" },
  {
    name: "Redis requires another password",
    begin: "config set requirepass other\nauth other\nclient kill type normal",
    end: 'auth other\nconfig set requirepass ""',
  },
  {
    name: "Redis loads its data",
    begin: "config set loading-process-events-interval-bytes 1024 key-load-delay 1000",
    repeat: "debug reload",
    end: "config set key-load-delay 0",
  },
  { name: "all entries are garbage", repeat: eachKey("redis.call('set', key, 'garbage')") },
  {
    name: "all entries are lists",
    repeat: eachKey("redis.call('del', key) redis.call('rpush', key, 'x')"),
  },
];

async function inflict({ port, process }: Server, { begin, repeat, end }: RedisFault) {
  function act(text = ""): void {
    if (text.startsWith("SIG")) execFileSync("kill", ["-s", text, `${process.pid}`]);
    else if (text !== "") execFileSync("redis-cli", ["-p", `${port}`], { input: text });
  }
  act(begin);
  for (const over = performance.now() + faultMs; performance.now() < over; await sleep(20)) {
    act(repeat);
  }
  act(end);
}

export const faults: Scenario = {
  name: "faults",
  columns: ["fault", "requests", "not 200", "p99 ms", "worst ms", "recovered after s"],
  targets: [
    { column: "lost", atMost: 0 },
    { column: "lost by the killed worker", atMost: 16 },
    { column: "worst ms", atMost: 1_000 },
  ],
  async measure({ stack, report }) {
    const client = stack.use(new Client());
    const folder = mkdtempSync(join(tmpdir(), "bench-faults-"));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const settings = ["--dir", folder, "--enable-debug-command", "yes"];
    let redis = stack.use(await startRedis(settings));
    const variables = { REDIS_URL: redisUrl(redis), CACHE_MEMORY_BYTES: "0" };
    const start = async (more = {}, options = {}) =>
      stack.use(await startService({ ...options, environment: { ...variables, ...more } }));
    const rows: Row[] = [];

    /** Adds a row. `cause` causes a fault, and returns the seconds until the service has recovered. */
    async function add(fault: string, server: Server, cause: () => Promise<number>, lost = "lost") {
      report(fault);
      await client.measure(server, { ...load, seconds: 0.1 });
      const measured = client.measure(server, load);
      await sleep(1_000);
      const recovered = await cause();
      client.stop();
      const { figures, faults } = await measured;
      rows.push({
        ...figures,
        fault,
        "not 200": countsText(faults),
        "recovered after s": recovered,
        [lost]: figures.requests - figures.right,
      });
    }

    const service = await start();
    const url = `http://127.0.0.1:${service.port}${load.path}`;
    const headers = { "Content-Type": "application/json" };
    const newBody = newBodies(load.path, load.houses, 2);
    for (const fault of redisFaults) {
      await add(fault.name, service, async () => {
        await inflict(redis, fault);
        if (fault.begin === "SIGKILL") redis = stack.use(await startRedis(settings, redis.port));
        const init = { method: "POST", body: newBody(), headers };
        return await until(async () => {
          const response = await fetch(url, init).catch(() => undefined);
          await response?.bytes();
          return response?.headers.get("x-cache") === "HIT";
        }, timeoutMs);
      });
    }

    const workers = await start({ WORKERS: "2" });
    const { pid } = workers.process;
    const children = `/proc/${pid}/task/${pid}/children`;
    const youngest = () => Number(readFileSync(children, "utf8").trim().split(" ").at(-1));
    const areTwo = async () => {
      const response = fetch(`http://127.0.0.1:${workers.port}/metrics`);
      const page = await response.then((found) => found.text()).catch(String);
      return page.includes("\nprediction_processes 3\n");
    };
    await until(areTwo, timeoutMs);
    const killWorker = async () => {
      const killed = youngest();
      process.kill(killed, "SIGKILL");
      return await until(async () => youngest() !== killed && (await areTwo()), timeoutMs);
    };
    await add("a worker of two is killed", workers, killWorker, "lost by the killed worker");

    const killed = await start();
    const restart = async () => {
      const startMs = performance.now();
      killed.process.kill("SIGKILL");
      await start({}, { port: killed.port });
      return (performance.now() - startMs) / 1000;
    };
    await add("the only process is killed", killed, restart, "lost by the service");

    const stopping = await start({ DRAIN_SECONDS: "1" });
    await add("SIGTERM, and clients go elsewhere", stopping, async () => {
      stopping.process.kill("SIGTERM");
      return await sleep(500, 0);
    });
    return rows;
  },
};
