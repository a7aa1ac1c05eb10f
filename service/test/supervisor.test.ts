import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Ending, Supervisor } from "../src/workers/supervisor.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const crash: Ending = { code: null, signal: "SIGSEGV" };
const done: Ending = { code: 0, signal: null };

function fakeWorker(pid: number) {
  const listening = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Ending>();
  const stops: string[] = [];
  return {
    process: {
      pid,
      listening: listening.promise,
      ended: ended.promise,
      stop: (signal: string) => void stops.push(signal),
    },
    stops,
    async listen(): Promise<void> {
      listening.resolve();
      await vi.advanceTimersByTimeAsync(0);
    },
    async end(ending: Ending): Promise<void> {
      ended.resolve(ending);
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

/** A supervisor of processes that do what the test says. */
function supervise(count: number) {
  const workers: ReturnType<typeof fakeWorker>[] = [];
  const log: Record<string, unknown>[] = [];
  const exits: number[] = [];
  const supervisor = new Supervisor({
    count,
    fork() {
      const worker = fakeWorker(100 + workers.length);
      workers.push(worker);
      return worker.process;
    },
    logger: pino({}, { write: (line: string) => void log.push(JSON.parse(line)) }),
    exit: (status) => void exits.push(status),
  });
  const latest = () => {
    const worker = workers.at(-1);
    if (worker === undefined) throw new Error("no worker was started");
    return worker;
  };
  return { supervisor, workers, log, exits, latest };
}

/** Starts a supervisor, and waits until all workers listen. */
async function superviseListening(count: number) {
  const supervised = supervise(count);
  for (let started = 0; started < count; started++) await supervised.workers[started]?.listen();
  return supervised;
}

test("the other workers start when the first one listens", async () => {
  const { workers, latest } = supervise(3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(workers).toHaveLength(1);
  await latest().listen();
  expect(workers).toHaveLength(3);
  await latest().listen();
  expect(workers).toHaveLength(3);
});

test.each<[what: string, ending: Ending, status: number]>([
  ["exits with status 1", { code: 1, signal: null }, 1],
  ["exits with status 7", { code: 7, signal: null }, 7],
  ["exits with status 0", done, 1],
  ["is killed", { code: null, signal: "SIGKILL" }, 1],
  ["cannot be started", { code: -11, signal: null }, 11],
])("the process exits if the first worker %s before it listens", async (_, ending, status) => {
  const { workers, exits, log, latest } = supervise(3);
  await latest().end(ending);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(exits).toEqual([status]);
  expect(workers).toHaveLength(1);
  expect(log).toMatchObject([
    { ...ending, worker: 100, msg: "the worker ended before it listened" },
  ]);
});

test("the process exits if the last worker crashes and its replacement cannot start", async () => {
  const { workers, exits, latest } = await superviseListening(2);
  await workers[0]?.end(crash);
  await workers[1]?.end(crash);
  await vi.advanceTimersByTimeAsync(100);
  expect(exits).toEqual([]);
  await latest().end({ code: 1, signal: null });
  expect(exits).toEqual([1]);
});

test("a worker that cannot start is restarted as long as another one listens", async () => {
  const { workers, exits, latest } = await superviseListening(2);
  await workers[0]?.end(crash);
  for (let restarts = 0; restarts < 20; restarts++) {
    await vi.advanceTimersByTimeAsync(30_000);
    expect(workers).toHaveLength(3 + restarts);
    await latest().end({ code: 1, signal: null });
  }
  expect(exits).toEqual([]);
});

test("the delay before a restart doubles from 100 ms to 30 s", async () => {
  const { workers, log, latest } = await superviseListening(1);
  for (const delayMs of [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]) {
    const before = workers.length;
    await latest().end(crash);
    expect(log.at(-1)).toMatchObject({ ...crash, restartInMs: delayMs, msg: "the worker ended" });
    await vi.advanceTimersByTimeAsync(delayMs - 1);
    expect(workers).toHaveLength(before);
    await vi.advanceTimersByTimeAsync(1);
    expect(workers).toHaveLength(before + 1);
    await latest().listen();
  }
});

test("the delay before a restart is short again once a worker has listened for a minute", async () => {
  const { log, latest } = await superviseListening(1);
  const delayAfter = async (listenedMs: number) => {
    await vi.advanceTimersByTimeAsync(listenedMs);
    await latest().end(crash);
    await vi.advanceTimersByTimeAsync(30_000);
    await latest().listen();
    return Number(Object(log.at(-1)).restartInMs);
  };
  expect(await delayAfter(0)).toBe(100);
  expect(await delayAfter(59_999)).toBe(200);
  expect(await delayAfter(60_000)).toBe(100);
  expect(await delayAfter(0)).toBe(200);
});

test("each worker has its own delay", async () => {
  const { workers, log } = await superviseListening(2);
  await workers[0]?.end(crash);
  await workers[1]?.end(crash);
  expect(log.map(({ restartInMs }) => restartInMs)).toEqual([100, 100]);
});

test("all workers are stopped, and the process exits when the last one has ended", async () => {
  const { supervisor, workers, exits } = await superviseListening(2);
  supervisor.stop("SIGINT");
  expect(workers.map(({ stops }) => stops)).toEqual([["SIGINT"], ["SIGINT"]]);
  await workers[0]?.end(done);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(exits).toEqual([]);
  await workers[1]?.end(done);
  expect(exits).toEqual([0]);
  expect(workers).toHaveLength(2);
});

test("the process exits with status 1 if a worker crashes while it stops", async () => {
  const { supervisor, workers, exits } = await superviseListening(2);
  supervisor.stop("SIGTERM");
  await workers[0]?.end(crash);
  await workers[1]?.end(done);
  expect(exits).toEqual([1]);
});

test("the process exits with status 0 if the signal has ended a worker that was starting", async () => {
  const { supervisor, exits, latest } = supervise(2);
  supervisor.stop("SIGINT");
  await latest().end({ code: null, signal: "SIGINT" });
  expect(exits).toEqual([0]);
});

test("a second signal ends the process immediately", async () => {
  const { supervisor, exits } = await superviseListening(2);
  supervisor.stop("SIGTERM");
  supervisor.stop("SIGTERM");
  expect(exits).toEqual([1]);
});

test("after a stop, no worker is started: neither a replacement nor the others", async () => {
  const first = await superviseListening(2);
  await first.workers[0]?.end(crash);
  first.supervisor.stop("SIGTERM");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(first.workers).toHaveLength(2);
  await first.workers[1]?.end(done);
  expect(first.exits).toEqual([0]);

  const second = supervise(2);
  second.supervisor.stop("SIGTERM");
  await second.latest().listen();
  expect(second.workers).toHaveLength(1);
});
