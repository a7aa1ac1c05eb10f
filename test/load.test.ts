import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { front } from "./front.ts";
import { root } from "./machine.ts";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();

function machineWithBench() {
  const host = minikubeMachine(service);
  symlinkSync(join(root, "bench"), join(host.checkout, "bench"));
  return host;
}

/** The cells of the table's rows. */
const rows = (stdout: string) =>
  stdout
    .split("\n")
    .filter((line) => /(PASS|FAIL)$/.test(line))
    .map((line) => line.trim().split(/ {2,}/));

describe("load", () => {
  test("drives the deployed service and tells figures for each cache rate", async () => {
    const host = machineWithBench();
    await host.run(["up"]);

    const { status, stdout, stderr } = await host.run([
      ...["load", "--seconds", "1", "--clients", "10"],
      ...["--cache-rate", "0", "--cache-rate", "1"],
    ]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const [none, all] = rows(stdout);
    expect(none).toEqual([
      "0",
      ...Array(4).fill(expect.stringMatching(/^[\d.]+$/)),
      "0.0 %",
      "0",
      "PASS",
    ]);
    expect(all).toEqual([
      "1",
      ...Array(4).fill(expect.stringMatching(/^[\d.]+$/)),
      "100.0 %",
      "0",
      "PASS",
    ]);
  });

  test.each([
    ["is slow", 600, 200],
    ["fails", 0, 503],
  ])("fails where the service %s", async (_, milliseconds, status) => {
    const port = await front(service, {
      "GET /health": (_request, answer) =>
        void setTimeout(() => answer.writeHead(status).end(), milliseconds),
    });

    const answer = await machineWithBench().run([
      ...["load", "--url", `http://127.0.0.1:${port}`],
      ...["--seconds", "2", "--clients", "2", "--cache-rate", "0.9"],
    ]);

    expect(answer.status).toBe(1);
    expect(rows(answer.stdout)[0]?.at(-1)).toBe("FAIL");
  });

  test("without a deployed service says what deploys one", async () => {
    const { status, stderr } = await machineWithBench().run(["load"]);

    expect(status).toBe(1);
    expect(stderr).toContain("There is no service to drive: ./run.sh up deploys it.");
  });

  test.each([
    [["--cache-rate", "2"], "found 2; allowed: a number from 0 to 1"],
    [["--url", "http://127.0.0.1:9"], "The load test of http://127.0.0.1:9 can't be done"],
  ])("with %j says what is wrong", async (args, reason) => {
    const { status, stderr } = await machineWithBench().run(["load", "--url=x", ...args]);

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
  });
});
