import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { RowBatch } from "../src/model/row-batch.ts";

/** Predicts the sum and the difference of two numbers, and records the rows of each run. */
function batch(maxRows = 4) {
  const runs: number[] = [];
  const rows = new RowBatch(
    (matrix) => {
      runs.push(matrix.length / 2);
      if (matrix.includes(13)) throw new Error("the run failed");
      return matrix.map((value, at) =>
        at % 2 === 0 ? value + (matrix[at + 1] ?? 0) : (matrix[at - 1] ?? 0) - value,
      );
    },
    { columns: 2, outputs: 2, maxRows },
  );
  return { predict: (...row: number[]) => rows.predict(Float32Array.from(row)), runs };
}

describe("RowBatch", () => {
  test("if a run fails, its rows fail, but the rows of the next turn do not", async () => {
    const { predict } = batch();
    const settled = await Promise.allSettled([predict(1, 2), predict(13, 0)]);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await predict(1, 2)).toEqual(Float32Array.of(3, -1));
  });

  test("rows of one turn share a run, and each gets its own prediction", async () => {
    const { predict, runs } = batch();
    const predictions = await Promise.all([predict(1, 2), predict(3, 4), predict(5, 7)]);
    expect(predictions.map((numbers) => [...numbers])).toEqual([
      [3, -1],
      [7, -1],
      [12, -2],
    ]);
    await turn();
    await predict(1, 1);
    expect(runs).toEqual([3, 1]);
  });

  test("more rows than fit in a run take several runs", async () => {
    const { predict, runs } = batch();
    const rows = Array.from({ length: 10 }, (_, at) => predict(at, at));
    expect((await Promise.all(rows)).map(([sum]) => sum)).toEqual(rows.map((_, at) => 2 * at));
    expect(runs).toEqual([4, 4, 2]);
  });

  test("a row may be changed after it was added", async () => {
    const rows = new RowBatch((matrix) => matrix.slice(), { columns: 1, outputs: 1, maxRows: 4 });
    const row = Float32Array.of(1);
    const predicted = rows.predict(row);
    row[0] = 2;
    expect(await predicted).toEqual(Float32Array.of(1));
  });
});
