import { readFile } from "node:fs/promises";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { batched, QueueFullError } from "../src/model/batcher.ts";
import { AbandonedError, type Client, type Runner } from "../src/model/engine.ts";
import { createRunner } from "../src/model/loaded-model.ts";
import { houseCard, modelPath } from "./house-model.ts";

/**
 * Predicts the sum of two features, one run per turn, and records the number of rows of each run.
 */
function sums(fails: (matrix: Float32Array) => boolean = () => false) {
  const runs: number[] = [];
  const engine: Runner = {
    name: "sums",
    columns: 2,
    outputs: 1,
    isList: false,
    maxRunRows: 8,
    release: async () => {},
    async run(matrix) {
      const rows = Float32Array.from(
        { length: matrix.length / 2 },
        (_, row) => (matrix[2 * row] ?? 0) + (matrix[2 * row + 1] ?? 0),
      );
      runs.push(rows.length);
      const failed = fails(matrix);
      await turn();
      if (failed) throw new Error("the run failed");
      return rows;
    },
  };
  return { engine, runs };
}

/** The queue has room for a hundred rows, each with two numbers and a prediction. */
const queueBytes = 100 * 3 * 4;

/** Predicts in batches, always with a promise. */
function batching(engine: Runner) {
  const { predict } = batched(engine, queueBytes);
  return async (matrix: Float32Array, client?: Client) => predict(matrix, client);
}

const list = (rows: number, first = 1) =>
  Float32Array.from({ length: 2 * rows }, (_, index) => first + index);

describe("a run that fails", () => {
  test("a failing run fails only the request whose rows cannot be predicted", async () => {
    const { engine } = sums((matrix) => matrix.includes(-1));
    const predict = batching(engine);
    const before = predict(list(1));
    await turn();
    const together = [predict(Float32Array.of(-1, 1)), predict(list(1))];
    const settled = await Promise.allSettled([before, ...together]);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await together[1]).toEqual(Float32Array.of(3));
    expect(await predict(list(1))).toEqual(Float32Array.of(3));
  });

  test("a run that fails ends the rest of its list immediately", async () => {
    const { engine, runs } = sums(() => true);
    await expect(batching(engine)(list(50))).rejects.toThrow("the run failed");
    expect(runs).toEqual([8]);
  });
});

describe("a request that is abandoned", () => {
  test("an abandoned request leaves the queue, and its rows make room for others", async () => {
    const { engine, runs } = sums();
    const predict = batching(engine);
    const first = predict(list(8));
    await turn();
    const abandoned = new AbortController();
    const waiting = predict(list(90), abandoned);
    await expect(predict(list(20))).rejects.toThrow(QueueFullError);
    abandoned.abort();
    const next = predict(list(20));
    await expect(waiting).rejects.toThrow(AbandonedError);
    expect(await first).toHaveLength(8);
    expect(await next).toHaveLength(20);
    expect(runs.reduce((sum, rows) => sum + rows)).toBe(28);
  });

  test("the rest of an abandoned list is not predicted", async () => {
    const { engine, runs } = sums();
    const abandoned = new AbortController();
    const predicted = batching(engine)(list(80), abandoned);
    await turn();
    abandoned.abort();
    await expect(predicted).rejects.toThrow(AbandonedError);
    expect(runs).toEqual([8]);
  });
});

test("more rows than the queue can hold are rejected until there is room again", async () => {
  const predict = batching(sums().engine);
  const taken = predict(list(100));
  await turn();
  // Eight rows are already in a run.
  await expect(predict(list(9))).rejects.toThrow(QueueFullError);
  expect(await predict(list(8))).toHaveLength(8);
  await taken;
  expect(await predict(list(300))).toHaveLength(300);
});

test("requests of the same turn are batched into one run if no run is in progress", async () => {
  const { engine, runs } = sums();
  const predict = batching(engine);
  const answers = await Promise.all([1, 2, 3, 4].map((first) => predict(list(1, first))));
  expect(answers).toEqual([3, 5, 7, 9].map((sum) => Float32Array.of(sum)));
  expect(await predict(list(3))).toEqual(Float32Array.of(3, 7, 11));
  expect(runs).toEqual([4, 3]);
});

test("requests that arrive during a run are batched into the next run", async () => {
  const { engine, runs } = sums();
  const predict = batching(engine);
  const first = predict(list(1));
  await turn();
  await Promise.all([first, ...[1, 2, 3].map((each) => predict(list(1, each)))]);
  expect(runs).toEqual([1, 3]);
});

test("a run never exceeds its maximum length", async () => {
  const { engine, runs } = sums();
  const predict = batching(engine);
  await Promise.all(Array.from({ length: 30 }, () => predict(list(1))));
  expect(runs).toEqual([8, 8, 8, 6]);
});

test("short requests do not wait for the end of a long list", async () => {
  const { engine } = sums();
  const predict = batching(engine);
  const order: string[] = [];
  const long = predict(list(80)).then(() => order.push("long"));
  await turn();
  const short = [1, 2, 3].map((first) => predict(list(1, first)).then(() => order.push("short")));
  await Promise.all([long, ...short]);
  expect(order).toEqual(["short", "short", "short", "long"]);
});

test("a long list makes progress during an endless stream of short requests", async () => {
  const { engine, runs } = sums();
  const predict = batching(engine);
  const stream: Promise<unknown>[] = [];
  const keepFull = () => {
    while (stream.length < 16 * (runs.length + 1)) stream.push(predict(list(1)));
  };
  keepFull();
  let isDone = false;
  const long = predict(list(4)).then(() => {
    isDone = true;
  });
  while (!isDone) {
    keepFull();
    await turn();
    expect(runs.length).toBeLessThan(30);
  }
  await Promise.all([long, ...stream]);
});

describe("a runner that is replaced", () => {
  /** Starts a run of eight rows, with twelve more in the queue, and replaces the runner. */
  async function replaceDuringRun() {
    const events: string[] = [];
    const named = (name: string): Runner => {
      const { engine } = sums();
      return {
        ...engine,
        name,
        async run(matrix) {
          const sums = await engine.run(matrix);
          events.push(`${name} ran ${sums.length}`);
          return sums;
        },
        release: async () => void events.push(`${name} released`),
      };
    };
    const engine = batched(named("previous"), queueBytes);
    const lists = [engine.predict(list(10)), engine.predict(list(10))];
    await turn();
    const used = engine.use(named("next"));
    return { engine, events, lists, used };
  }

  test("a replaced runner is released after its last run, and the next one gets the rest of the queue", async () => {
    const { events, lists, used } = await replaceDuringRun();
    await Promise.all([...lists, used]);
    expect(events).toEqual(["previous ran 8", "previous released", "next ran 8", "next ran 4"]);
  });

  test("a list has the right predictions if the runner is replaced in the middle of it", async () => {
    const { lists } = await replaceDuringRun();
    const expected = Float32Array.from({ length: 10 }, (_, row) => 4 * row + 3);
    expect(await Promise.all(lists)).toEqual([expected, expected]);
  });

  test("an engine has the name of its current runner", async () => {
    const { engine, used } = await replaceDuringRun();
    expect(engine.name).toBe("next");
    await used;
  });
});

test("the event loop gets a turn between the runs of a synchronous runner", async () => {
  let turns = 0;
  const turnsAtRuns: number[] = [];
  const synchronous: Runner = {
    ...sums().engine,
    run(matrix) {
      turnsAtRuns.push(turns);
      return matrix.filter((_, at) => at % 2 === 0);
    },
  };
  let isDone = false;
  const predicted = batched(synchronous, queueBytes)
    .predict(list(40))
    .finally(() => {
      isDone = true;
    });
  for (; !isDone; turns++) await turn();
  expect(await predicted).toHaveLength(40);
  expect(turnsAtRuns).toHaveLength(5);
  expect(new Set(turnsAtRuns).size).toBe(5);
});

test("an empty list gets an empty result without a run", async () => {
  const { engine } = sums();
  expect(await batching(engine)(new Float32Array())).toEqual(new Float32Array());
});

test("batched predictions are the same as unbatched ones, bit for bit and in order", async () => {
  const engine = await createRunner(await readFile(modelPath), houseCard);
  const { predict } = batched({ ...engine, maxRunRows: 16 });
  const row = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), {
    minLength: 8,
    maxLength: 8,
  });
  const lists = fc.array(fc.array(row, { maxLength: 40 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(lists, async (requests) => {
      const matrices = requests.map((rows) => Float32Array.from(rows.flat()));
      const together = await Promise.all(matrices.map((matrix) => predict(matrix)));
      for (const [index, matrix] of matrices.entries()) {
        expect(together[index]).toEqual(await engine.run(matrix));
      }
    }),
    { numRuns: 30 },
  );
});
