import { rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "./machine.ts";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { overrideResponses } from "./override-responses.ts";

const service = serviceForAll();

function machineWithBench() {
  const host = minikubeMachine(service);
  for (const path of ["bench", "node_modules/@commander-js"]) {
    symlinkSync(join(root, path), join(host.checkout, path));
  }
  return host;
}

/** Returns the cells of the table's rows. */
const rows = (stdout: string) =>
  stdout
    .split("\n")
    .filter((line) => /\| (PASS|FAIL) \|$/.test(line))
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));

describe("load", () => {
  test("run.sh load sends requests to the deployed service and prints figures for each cache rate", async () => {
    const host = machineWithBench();
    await host.run(["up"]);

    const { status, stdout, stderr } = await host.run([
      ...["load", "--seconds", "1", "--clients", "10"],
      ...["--cache-rate", "0", "--cache-rate", "1"],
    ]);

    const [none = [], all = []] = rows(stdout);
    const figures = Array(4).fill(expect.stringMatching(/^[\d.,]+$/));
    // A busy machine may need longer than 500 ms.
    const verdicts = [none, all].map(([, , , , p99 = ""]) =>
      Number(p99.replace(",", "")) < 500 ? "PASS" : "FAIL",
    );
    expect(none).toEqual(["0", ...figures, "0", "", verdicts[0]]);
    expect(all).toEqual(["1", ...figures, "100", "", verdicts[1]]);
    expect({ status, stderr }).toEqual({ status: verdicts.includes("FAIL") ? 1 : 0, stderr: "" });
  });

  test.each([
    ["is slow", 600, 200],
    ["fails", 0, 503],
  ])("run.sh load fails if the service %s", async (_, milliseconds, status) => {
    const port = await overrideResponses(service, {
      "GET /health": (_request, response) =>
        void setTimeout(() => response.writeHead(status).end(), milliseconds),
    });

    const result = await machineWithBench().run([
      ...["load", "--url", `http://127.0.0.1:${port}`],
      ...["--seconds", "2", "--clients", "2", "--cache-rate", "0.9"],
    ]);

    expect(result.status).toBe(1);
    expect(rows(result.stdout)[0]?.at(-1)).toBe("FAIL");
  });

  test("run.sh load fails without a deployed service, and with a tunnel that does not reach it", async () => {
    const host = machineWithBench();
    const withoutDeployment = await host.run(["load"]);
    await host.run(["up"]);
    rmSync(host.world("external-address"));
    const withStaleTunnel = await host.run(["load"]);

    for (const { status, stderr } of [withoutDeployment, withStaleTunnel]) {
      expect(status).toBe(1);
      expect(stderr).toBe(
        "No deployed service responds. Deploy it with ./run.sh up, or name another with --url.\n",
      );
    }
  });

  test("run.sh load fails if nothing responds at the URL", async () => {
    const { status, stderr } = await machineWithBench().run([
      "load",
      "--url",
      "http://127.0.0.1:9",
    ]);

    expect(status).toBe(1);
    expect(stderr).toContain("The load test of http://127.0.0.1:9 failed: fetch failed");
  });

  test.each([["--help"], ["-h"]])(
    "run.sh load %s prints the options, without a deployed service",
    async (option) => {
      const { status, stdout, stderr } = await machineWithBench().run(["load", option]);

      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      for (const name of ["--url", "--clients", "--seconds", "--cache-rate", "--help"]) {
        expect(stdout).toMatch(new RegExp(`^ {2}(-h, )?${name}\\b`, "m"));
      }
    },
  );

  test.each([
    [["--fast"], "unknown option '--fast'"],
    [["-x"], "unknown option '-x'"],
    [["now"], "too many arguments. Expected 0 arguments but got 1: now."],
    [["--clients"], "option '--clients <n>' argument missing"],
    [
      ["--clients", "0"],
      "'--clients <n>' argument '0' is invalid. Allowed is a number from 1 to 10000.",
    ],
    [["--seconds", "soon"], "'soon' is invalid. Allowed is a number from 1 to 3600."],
    [["--cache-rate", "2"], "'2' is invalid. Allowed is a number from 0 to 1."],
    [["--url", "here"], "'here' is invalid. Allowed is a URL such as http://127.0.0.1:8000."],
  ])(
    "run.sh load with %j prints the reason and the usage, and exits with status 2",
    async (args, reason) => {
      const { status, stdout, stderr } = await machineWithBench().run(["load", ...args]);

      expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
      expect(stderr).toContain(reason);
      expect(stderr).toContain("\nUsage: ./run.sh load [options]\n");
      expect(stderr).not.toMatch(/^ +at /m);
    },
  );
});
