import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMs } from "./cpu.ts";
import { firstAnswer } from "./first-answer.ts";
import type { Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { freePort, type Server, startRedis, stopper } from "./servers.ts";
import { quantile } from "./statistics.ts";

const starts = 11;
const targetMs = 500;

const pathOf = (module: string) => join(import.meta.dirname, module);
const serviceMain = pathOf("../../service/src/main.ts");

/** A program that is started again and again. */
interface Program {
  readonly name: string;
  readonly module: string;
  readonly environment: Record<string, string>;
  /** What it answers with 200 once it has started. */
  readonly request: string;
}

/** What one start took, in milliseconds. */
interface Start {
  readonly untilAnswer: number;
  /** Of processor time by then. */
  readonly cpu: number;
}

function run({ module, environment }: Program, port: number): Server {
  const child = spawn(process.execPath, [module], {
    env: { ...environment, PORT: String(port) },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { port, process: child, stop: stopper(child) };
}

async function timeStart(program: Program): Promise<Start> {
  const port = await freePort();
  const spawned = performance.now();
  const server = run(program, port);
  try {
    await firstAnswer(server, program.request);
    return { untilAnswer: performance.now() - spawned, cpu: cpuMs(server) };
  } finally {
    await server.stop();
  }
}

/** Fills a compile cache as the image's build does: by one start and a clean exit. */
async function warmCompileCache(program: Program): Promise<void> {
  const server = run(program, await freePort());
  await firstAnswer(server, program.request);
  const exit = once(server.process, "exit");
  server.process.kill("SIGTERM");
  await exit;
}

function programs(redisPort: number, compileCache: string) {
  const service = { module: serviceMain, request: "GET /health" };
  const redis = { REDIS_URL: `redis://127.0.0.1:${redisPort}` };
  return {
    hono: {
      name: "bare Hono",
      module: pathOf("references/hono.ts"),
      environment: { ANSWER: JSON.stringify({ body: "", headers: {} }) },
      request: "POST /",
    },
    alone: { ...service, name: "service", environment: {} },
    withRedis: { ...service, name: "service, Redis", environment: redis },
    compiled: {
      ...service,
      name: "service, Redis, warm compile cache",
      environment: { ...redis, NODE_COMPILE_CACHE: compileCache },
    },
  } satisfies Record<string, Program>;
}

/** From spawning the production command to the first 200 on `/health`. */
export async function startUp(tell: Tell): Promise<Section> {
  const redis = await startRedis();
  const compileCache = mkdtempSync(join(tmpdir(), "bench-compiled-"));
  const { hono, alone, withRedis, compiled } = programs(redis.port, compileCache);
  const contenders = [hono, alone, withRedis, compiled].map((program) => ({
    program,
    measured: [] as Start[],
  }));
  try {
    await warmCompileCache(compiled);
    for (let round = 0; round <= starts; round++) {
      for (const { program, measured } of contenders) {
        tell(`start ${round} of ${starts}: ${program.name}`);
        const start = await timeStart(program);
        if (round > 0) measured.push(start);
      }
    }
  } finally {
    await redis.stop();
    rmSync(compileCache, { recursive: true });
  }

  const found = contenders.map(({ program, measured }) => {
    const times = measured.map(({ untilAnswer }) => untilAnswer);
    return {
      program,
      median: quantile(times, 0.5),
      fastest: Math.min(...times),
      slowest: Math.max(...times),
      cpu: quantile(
        measured.map(({ cpu }) => cpu),
        0.5,
      ),
    };
  });
  return {
    name: "start-up",
    title: "From start to first answer",
    about: [
      `From spawning \`node service/src/main.ts\` to the first 200 on \`/health\`: ${starts} starts`,
      "each, in turns, after one that is not counted. The warm compile cache is filled as the image's",
      "build fills it; the verdict is on the start without it.",
    ].join("\n"),
    columns: ["", "median ms", "fastest ms", "slowest ms", "CPU ms"],
    rows: found.map(({ program, median, fastest, slowest, cpu }) => [
      program.name,
      median,
      fastest,
      slowest,
      cpu,
    ]),
    charts: [
      {
        kind: "bars",
        name: "start-up",
        title: "From start to first answer",
        unit: "ms",
        scale: "linear",
        labels: found.map(({ program }) => program.name),
        series: [{ name: "median", values: found.map(({ median }) => median) }],
      },
    ],
    verdicts: found
      .filter(({ program }) => program === withRedis)
      .map(({ program, median }) => ({
        what: program.name,
        measure: "median ms from start to the first 200",
        figure: median,
        bound: "at most",
        target: targetMs,
      })),
  };
}
