import { describe, expect, test } from "vitest";
import { fitting, type MachineOptions, machine } from "./machine.ts";

const report = JSON.stringify({
  numPassedTests: 41,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 3,
  testResults: [
    {
      assertionResults: [
        { fullName: "right", status: "passed", failureMessages: [] },
        { fullName: "right later", status: "passed", failureMessages: ["Error: no"] },
        { fullName: "wrong", status: "failed", failureMessages: ["Error: no", "Error: no"] },
      ],
    },
  ],
});

const tools = (
  "redis-server shellcheck chromium prometheus dockerd iptables debootstrap static-sh etcd zstd openssl " +
  "containerd conntrack ip"
).split(" ");

const complete: MachineOptions = { ...fitting, commands: ["apt-get", ...tools] };

describe(".ci/run", () => {
  test.each(["format:check", "lint", "typecheck"])(
    ".ci/run fails on a failing %s, before any test",
    async (step) => {
      const { ci, calls } = machine(complete);

      expect((await ci({ env: { PNPM_FAILS_AT: step } })).status).toBe(7);
      expect(calls().at(-1)).toBe(`pnpm ${step}`);
    },
  );

  test(".ci/run exits with vitest's status, names tests that passed later, and prints the totals", async () => {
    const { ci } = machine(complete);

    const { status, stdout } = await ci({ env: { VITEST_STATUS: "3", VITEST_REPORT: report } });

    expect(status).toBe(3);
    expect(stdout.split("\n").slice(-4)).toEqual([
      "Passed at the second attempt: right later",
      "Error: no",
      "41 passed, 1 failed, 5 skipped",
      "",
    ]);
  });

  test(".ci/run fails if vitest writes no report, even if its status is 0", async () => {
    const { ci } = machine(complete);

    const { status, stdout } = await ci();

    expect(status).not.toBe(0);
    expect(stdout).not.toContain("passed");
  });

  test(".ci/run runs the checks, then every test, and fails on missing prerequisites", async () => {
    const { ci, calls } = machine(complete);

    expect((await ci({ env: { VITEST_REPORT: report } })).status).toBe(0);

    const steps = calls().map((call) => call.split(" ").slice(0, 2).join(" "));
    expect(steps.filter((step) => !/^(pnpm --dir|apt-get)/.test(step))).toEqual([
      "pnpm format:check",
      "pnpm lint",
      "pnpm typecheck",
      "shellcheck -xa",
      "vitest run",
      "node -",
    ]);
    expect(calls().find((call) => call.startsWith("vitest "))).toMatch(/ REQUIRE_ALL_TESTS=1$/);
  });

  test(".ci/run installs only the missing packages", async () => {
    const lacking = ["redis-server", "dockerd", "static-sh", "ip"];
    const present = tools.filter((tool) => !lacking.includes(tool));
    const { ci, calls } = machine({ ...fitting, commands: ["apt-get", ...present] });

    await ci();

    const [update, install] = calls();
    expect(update).toBe("apt-get update -qq");
    // This package is found by its absolute path, which may exist on the real machine.
    expect(install?.replace(" containernetworking-plugins", "")).toBe(
      "apt-get install -y -qq --no-install-recommends redis-server docker.io busybox-static iproute2",
    );
  });
});
