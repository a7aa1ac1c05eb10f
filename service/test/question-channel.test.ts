import { describe, expect, test } from "vitest";
import { TimeoutError } from "../src/timeout.ts";
import { QuestionChannel } from "../src/workers/question-channel.ts";
import { ReportCollector } from "../src/workers/report-collector.ts";

/** Two channels that are connected. What they send is copied as JSON, as between processes. */
function pair(answers: { one?: () => unknown; other?: () => unknown }) {
  const copy = (message: unknown) => JSON.parse(JSON.stringify(message));
  const one: QuestionChannel = new QuestionChannel({
    send: (message) => void other.receive(copy(message)),
    answer: answers.one ?? (() => {}),
  });
  const other: QuestionChannel = new QuestionChannel({
    send: (message) => void one.receive(copy(message)),
    answer: answers.other ?? (() => {}),
  });
  return { one, other };
}

describe("a channel between two processes", () => {
  test("a question without an answer times out", async () => {
    const { one } = pair({ other: () => new Promise(() => {}) });
    await expect(one.ask(20)).rejects.toThrow(TimeoutError);
  });

  test("a message that is neither a question nor an answer is ignored", async () => {
    const sent: unknown[] = [];
    const channel = new QuestionChannel({
      send: (message) => void sent.push(message),
      answer() {},
    });
    for (const message of [
      "SIGTERM",
      null,
      7,
      {},
      { question: "1" },
      { answerTo: 99, answer: 1 },
    ]) {
      await channel.receive(message);
    }
    expect(sent).toEqual([]);
  });

  test("both processes can ask at the same time, and each question gets its own answer", async () => {
    let count = 0;
    const { one, other } = pair({ one: () => "of one", other: async () => ++count });
    expect(await Promise.all([one.ask(1_000), other.ask(1_000), one.ask(1_000)])).toEqual([
      1,
      "of one",
      2,
    ]);
  });
});

describe("the reports of workers that end", () => {
  const counter = (value: number, status = "200") => ({
    name: "c_total",
    help: "x",
    type: "counter" as const,
    aggregator: "sum" as const,
    values: [{ labels: { status }, value }],
  });
  const gauge = { ...counter(7), name: "g", type: "gauge" as const };

  test("only the sum of the counters is kept of workers that have ended", async () => {
    const collector = new ReportCollector(() => ({ metrics: [] }));
    for (const [value, status] of [
      [1, "200"],
      [2, "200"],
      [4, "500"],
    ] as const) {
      const { one } = pair({ other: () => ({ metrics: [counter(value, status), gauge] }) });
      collector.add(one);
      await collector.collect();
      collector.remove(one);
    }
    const values = [...counter(3).values, ...counter(4, "500").values];
    expect(await collector.collect()).toEqual([
      { metrics: [] },
      { metrics: [{ ...counter(0), values }] },
    ]);
  });

  test("a worker that ends before its first report leaves no counters", async () => {
    const collector = new ReportCollector(() => ({ metrics: [] }));
    const { one } = pair({});
    collector.add(one);
    collector.remove(one);
    expect(await collector.collect()).toEqual([{ metrics: [] }, { metrics: [] }]);
  });

  test("an invalid report is an error", async () => {
    const collector = new ReportCollector(() => ({ metrics: [] }));
    collector.add(pair({ other: () => ({ metrics: "many" }) }).one);
    await expect(collector.collect()).rejects.toThrow("metrics");
  });
});
