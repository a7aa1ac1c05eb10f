import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished } from "vitest";
import { freePort } from "../../service/test/free-port.ts";
import { commandsOf, fileNameOf, partsOf, patternOf } from "../../test/guide.ts";
import { testNeeding } from "../../test/prerequisite.ts";

const root = path.join(import.meta.dirname, "../..");
const constraints = path.join(import.meta.dirname, "python-packages.txt");

/** The text of docs/your-model.md. */
export const guide = readFileSync(path.join(root, "docs/your-model.md"), "utf8");

/** The parts of the guide that have commands. */
export const parts = partsOf(guide);

const { XDG_CACHE_HOME = path.join(homedir(), ".cache") } = process.env;

/** Returns whether Python is recent enough for the packages of the guide. */
function hasPython(): boolean {
  const script = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
  return spawnSync("python3", ["-c", script]).status === 0;
}

/**
 * Installs Python's packages, unless an earlier run of the test did.
 *
 * @returns the folder where they are installed
 */
function installPackages(title: string, commands: string): string {
  const folder = path.join(XDG_CACHE_HOME, "prediction-service-guide", title);
  const installed = path.join(folder, "installed");
  const python = execFileSync("python3", ["-VV"], { encoding: "utf8" });
  const wanted = [python, commands, readFileSync(constraints, "utf8")].join("\n");
  if (existsSync(installed) && readFileSync(installed, "utf8") === wanted) return folder;
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, PIP_CONSTRAINT: constraints };
  execFileSync("bash", ["-ec", commands], { cwd: folder, env, stdio: "pipe" });
  writeFileSync(installed, wanted);
  return folder;
}

/** Makes an empty folder with `run.sh` and those packages. */
function workingFolder(packages: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "your-model-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(path.join(packages, ".venv"), path.join(folder, ".venv"));
  const script = `#!/usr/bin/env bash\nexec ${JSON.stringify(path.join(root, "run.sh"))} "$@"\n`;
  writeFileSync(path.join(folder, "run.sh"), script, { mode: 0o755 });
  return folder;
}

/** Runs the commands of a part of the guide, and compares their output with the output it shows. */
async function follow(title: string): Promise<void> {
  const [install, ...blocks] = parts.find((part) => part.title === title)?.blocks ?? [];
  const folder = workingFolder(installPackages(title, install?.code ?? ""));
  const port = await freePort();
  const env = { ...process.env, PORT: String(port) };
  let service: ChildProcess | undefined;
  function stopService(): void {
    if (service?.pid !== undefined) process.kill(-service.pid, "SIGKILL");
    service = undefined;
  }
  onTestFinished(stopService);

  async function serve(command: string): Promise<void> {
    stopService();
    const child = spawn("bash", ["-c", command], {
      cwd: folder,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    service = child;
    child.once("exit", () => {
      if (service === child) service = undefined;
    });
    for await (const line of createInterface(child.stdout)) {
      if (line.includes('"listening"')) return;
    }
    throw new Error(`${command} ended`);
  }

  function run(command: string): string {
    const here = command.replace("127.0.0.1:8000", `127.0.0.1:${port}`);
    return execFileSync("bash", ["-ec", here], {
      cwd: folder,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  for (const block of blocks) {
    const { language, code } = block;
    if (language === "python") writeFileSync(path.join(folder, fileNameOf(block) ?? ""), code);
    if (language === "sh") {
      for (const command of code.trim().split("\n")) {
        if (command.endsWith("run.sh local")) await serve(command);
        else run(command);
      }
    }
    if (language === "console") {
      for (const { command, output } of commandsOf(block)) {
        expect(run(command).trim()).toMatch(patternOf(output));
      }
    }
  }
}

/** Tests the part of the guide with a title. */
export function testGuide(title: string): void {
  testNeeding(hasPython())(
    `the commands in the guide for ${title} print what the guide shows`,
    () => follow(title),
  );
}
