import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

export const root = dirname(import.meta.dirname);
export const nodePin = readFileSync(join(root, ".node-version"), "utf8").trim();
export const pnpmPin: string = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
).packageManager.replace("pnpm@", "");

const standIns = join(import.meta.dirname, "stand-ins");

/** The real commands that every machine has. Each test chooses the others. */
const baseCommands = (
  "basename bash cat comm cp cut dirname env find grep ln mkdir mktemp mv ps readlink rm sed " +
  "sha256sum sleep sort tail tar tee touch tr"
).split(" ");

/** The project's files that are copied into the checkout. */
const copiedFiles = [
  "run.sh",
  "scripts",
  ".ci/run",
  ".gitignore",
  ".node-version",
  "package.json",
  "infra/package.json",
  "infra/model-setting.ts",
  "infra/stack-model.ts",
  "service/src",
  "Pulumi.yaml",
  "Pulumi.dev.yaml",
];

/** Replaces the service and the trainer. Prints how it was started, and may run until SIGTERM. */
const programText = `
const { argv, env } = process;
process.exitCode = Number(env.PROGRAM_STATUS ?? 0);
if (env.PROGRAM_STAYS) {
  const stay = setInterval(() => {}, 1000);
  process.on("SIGTERM", () => { console.log("drained"); clearInterval(stay); });
}
console.log(JSON.stringify({ program: argv[1], args: argv.slice(2), cwd: process.cwd(), env }));
`;

export interface MachineOptions {
  /** Output of `uname`; default "Linux x86_64". */
  platform?: string;
  /** Version of the installed Node.js, null for none; default v20.20.2. */
  node?: string | null;
  /** Whether npm is installed; default true. */
  npm?: boolean;
  /** Version of the installed pnpm; default none. */
  pnpm?: string;
  /** More commands, which only record that they were called. */
  commands?: string[];
  /** More commands, each with its own stand-in. */
  standIns?: string[];
  /** More commands, which are the real ones. */
  real?: string[];
}

/** Everything that the project needs is installed, and there is no npm to install anything else. */
export const fitting: MachineOptions = { node: `v${nodePin}.0.0`, npm: false, pnpm: pnpmPin };

export interface StartOptions {
  /** Path of the command, relative to the checkout; default run.sh. */
  command?: string;
  /** The current folder; default the checkout. */
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  /** Whether to run in a terminal, which `script` creates; default false. */
  terminal?: boolean;
}

/**
 * Simulates a machine with a checkout in a path with spaces and a non-ASCII letter. Only stand-ins
 * and the named commands are on the PATH; the Node.js that runs the programs is real.
 */
export function machine(options: MachineOptions = {}) {
  const { platform = "Linux x86_64", node = "v20.20.2", npm = true, pnpm } = options;
  const home = mkdtempSync(join(realpathSync(tmpdir()), "a machine "));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const checkout = join(home, "web dir é");
  const bin = join(home, "bin");
  const callLog = join(home, "calls");

  mkdirSync(bin);
  const add = (name: string, path = join(standIns, name)) => symlinkSync(path, join(bin, name));
  for (const name of [...baseCommands, ...(options.real ?? [])]) add(name, commandPath(name));
  for (const name of options.commands ?? []) add(name, join(standIns, "recorder"));
  for (const name of options.standIns ?? []) add(name);
  add("uname");
  add("ldd");
  if (node !== null) add("node");
  if (npm) add("npm");
  if (pnpm !== undefined) add("pnpm");

  for (const path of copiedFiles)
    cpSync(join(root, path), join(checkout, path), { recursive: true });
  for (const folder of ["model/src", "node_modules/.bin"]) {
    mkdirSync(join(checkout, folder), { recursive: true });
  }
  writeFileSync(join(checkout, "service/src/main.ts"), programText);
  writeFileSync(join(checkout, "model/src/train.ts"), programText);
  symlinkSync(join(standIns, "vitest"), join(checkout, "node_modules/.bin/vitest"));
  for (const path of ["service/node_modules", "infra/node_modules"]) {
    symlinkSync(join(root, path), join(checkout, path));
  }

  function start(args: string[], how: StartOptions = {}) {
    const { command = "run.sh", cwd = checkout, env = {}, terminal = false } = how;
    const path = join(checkout, command);
    const quoted = [path, ...args].map((word) => `'${word}'`).join(" ");
    const [file, words] = terminal
      ? [commandPath("script"), ["-qec", quoted, "/dev/null"]]
      : [path, args];
    const child = spawn(file, words, {
      cwd,
      // In its own process group, so that a test can signal it together with its child processes.
      detached: true,
      stdio: [terminal ? "pipe" : "ignore", "pipe", "pipe"],
      env: {
        PATH: bin,
        TMPDIR: home,
        CALLS: callLog,
        STAND_INS: standIns,
        REAL_NODE: process.execPath,
        PLATFORM: platform,
        NODE_VERSION: node ?? "",
        PNPM_VERSION: pnpm ?? "",
        SHELL: commandPath("bash"),
        ...env,
      },
    });
    const output = { stdout: "", stderr: "" };
    child.stdout?.setEncoding("utf8").on("data", (text) => (output.stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text) => (output.stderr += text));
    const ended = once(child, "close").then(([status, signal]) => ({ status, signal, ...output }));
    const type = (text: string) => void child.stdin?.write(text);
    return { pid: Number(child.pid), output, ended, type };
  }

  return {
    home,
    checkout,
    start,
    run: (args: string[], how?: StartOptions) => start(args, how).ended,
    ci: (how?: StartOptions) => start([], { command: ".ci/run", ...how }).ended,
    calls: () => (existsSync(callLog) ? readFileSync(callLog, "utf8").trimEnd().split("\n") : []),
    rewrite(path: string, from: string, to: string) {
      const before = readFileSync(join(checkout, path), "utf8");
      writeFileSync(join(checkout, path), before.replace(from, to), { mode: 0o755 });
    },
  };
}

/** Returns the path of a command on the real machine; empty if it is not installed. */
export function commandPath(name: string) {
  return spawnSync("bash", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
}
