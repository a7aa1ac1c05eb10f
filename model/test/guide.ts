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
import { testNeeding } from "../../test/prerequisite.ts";

const root = path.join(import.meta.dirname, "../..");
const constraints = path.join(import.meta.dirname, "python-packages.txt");

/** The text of docs/your-model.md. */
export const guide = readFileSync(path.join(root, "docs/your-model.md"), "utf8");

/** A block of code, and the text before it. */
interface Block {
  readonly before: string;
  readonly language: string;
  readonly code: string;
}

/** Returns the blocks of code in a text. */
export function blocksOf(text: string): readonly Block[] {
  const [first = "", ...others] = text.split(/^```/m);
  let before = first;
  return others.flatMap((part, index) => {
    // Text and code alternate.
    if (index % 2 === 1) {
      before = part;
      return [];
    }
    const [language = "", ...lines] = part.split("\n");
    return [{ before, language, code: lines.join("\n") }];
  });
}

/** The parts of the guide that have commands, by their titles. */
export const parts = guide
  .split(/^## /m)
  .map((part) => ({ title: part.split("\n", 1)[0] ?? "", blocks: blocksOf(part) }))
  .filter(({ blocks }) => blocks.some(({ language }) => language === "sh"));

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

/** Makes a pattern of output, in which `…` stands for anything. */
function patternOf(shown: string): RegExp {
  const escaped = shown.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("…", ".*")}$`);
}

/** Does what a part of the guide says, and compares the output with what it shows. */
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

  for (const { before, language, code } of blocks) {
    if (language === "python") {
      const name = /`([\w-]+\.py)`:\s*$/.exec(before)?.[1] ?? "";
      expect(name).not.toBe("");
      writeFileSync(path.join(folder, name), code);
    }
    if (language === "sh") {
      for (const command of code.trim().split("\n")) {
        if (command.endsWith("run.sh local")) await serve(command);
        else run(command);
      }
    }
    if (language === "console") {
      for (const example of code.split(/^\$ /m).slice(1)) {
        const [command = "", ...shown] = example.split("\n");
        expect(run(command).trim()).toMatch(patternOf(shown.join("\n")));
      }
    }
  }
}

/** Tests the part of the guide with a title. */
export function testGuide(title: string): void {
  testNeeding(hasPython())(
    `the commands of the guide for ${title} do what it shows`,
    { timeout: 300_000 },
    () => follow(title),
  );
}
