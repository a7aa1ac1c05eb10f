import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { ModelCard } from "../../service/src/model/card.ts";
import { freePort } from "../../service/test/free-port.ts";
import {
  type Block,
  blocksOf,
  commandsOf,
  fileNameOf,
  partsOf,
  patternOf,
} from "../../test/guide.ts";
import { testNeeding } from "../../test/prerequisite.ts";

const timeLimitMs = 600_000;
const root = path.join(import.meta.dirname, "../..");
const guide = readFileSync(path.join(root, "docs/your-model.md"), "utf8");

const parts = partsOf(guide);

const { XDG_CACHE_HOME = path.join(homedir(), ".cache") } = process.env;

/** Returns whether Python is recent enough for the packages of the guide. */
function hasPython(): boolean {
  const script = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
  return spawnSync("python3", ["-c", script]).status === 0;
}

/** Makes a folder where Python's packages stay installed from one run of the test to the next. */
function packagesFolder(title: string): string {
  const folder = path.join(XDG_CACHE_HOME, "prediction-service-guide", title);
  mkdirSync(folder, { recursive: true });
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

/** Does what the guide says, and compares the output with what it shows. */
async function follow(title: string, blocks: readonly Block[]): Promise<void> {
  const packages = packagesFolder(title);
  const folder = workingFolder(packages);
  const port = await freePort();
  const env = {
    ...process.env,
    PORT: String(port),
    PIP_CONSTRAINT: path.join(import.meta.dirname, "python-packages.txt"),
  };
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

  function run(command: string, cwd = folder): string {
    const here = command.replace("127.0.0.1:8000", `127.0.0.1:${port}`);
    return execFileSync("bash", ["-ec", here], {
      cwd,
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
        else run(command, code.startsWith("python3 -m venv") ? packages : folder);
      }
    }
    if (language === "console") {
      for (const { command, output } of commandsOf(block)) {
        expect(run(command).trim()).toMatch(patternOf(output));
      }
    }
  }
}

test("the guide has commands for each library", () => {
  expect(parts.map(({ title }) => title)).toEqual(["scikit-learn", "LightGBM", "XGBoost"]);
});

testNeeding(hasPython()).for(parts)(
  "the commands of the guide for $title do what it shows",
  { timeout: timeLimitMs },
  ({ title, blocks }) => follow(title, blocks),
);

test("the card in the guide is one that the service accepts", () => {
  const cards = blocksOf(guide).filter(({ language }) => language === "json");
  expect(cards).toHaveLength(1);
  for (const { code } of cards) {
    expect(() => ModelCard.parse(JSON.parse(code))).not.toThrow();
  }
});

test("the guide explains every member of a card", () => {
  const names = new Set<string>();
  JSON.stringify(
    z.toJSONSchema(ModelCard, { io: "output", unrepresentable: "any" }),
    (key, value) => {
      if (key === "properties") {
        for (const name of Object.keys(value)) names.add(name);
      }
      return value;
    },
  );
  expect(names.size).toBeGreaterThan(25);
  for (const name of names) {
    expect(guide).toContain(`\`${name}\``);
  }
});
