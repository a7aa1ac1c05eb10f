import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { ModelCard } from "../../service/src/model/card.ts";
import { freePort } from "../../service/test/free-port.ts";
import { testNeeding } from "../../test/prerequisite.ts";

const TIME_LIMIT_MS = 600_000;
const ROOT = path.join(import.meta.dirname, "../..");
const guide = readFileSync(path.join(ROOT, "docs/your-model.md"), "utf8");

/** A block of code, with the text before it. */
type Block = { readonly before: string; readonly language: string; readonly code: string };

function blocksOf(text: string): readonly Block[] {
  const [first = "", ...others] = text.split(/^```/m);
  let before = first;
  return others.flatMap((part, index) => {
    // Text and code take turns.
    if (index % 2 === 1) {
      before = part;
      return [];
    }
    const [language = "", ...lines] = part.split("\n");
    return [{ before, language, code: lines.join("\n") }];
  });
}

/** The parts of the guide that have commands, by their titles. */
const parts = guide
  .split(/^## /m)
  .map((part) => ({ title: part.split("\n", 1)[0] ?? "", blocks: blocksOf(part) }))
  .filter(({ blocks }) => blocks.some(({ language }) => language === "sh"));

const { XDG_CACHE_HOME = path.join(homedir(), ".cache") } = process.env;

/** The packages need it. */
function hasPython(): boolean {
  const script = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
  return spawnSync("python3", ["-c", script]).status === 0;
}

/**
 * Makes a folder as a reader has it, with `run.sh` and without a model. Python's packages stay in it from
 * one run of the test to the next.
 */
function prepareFolder(title: string): string {
  const folder = path.join(XDG_CACHE_HOME, "prediction-service-guide", title);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder).filter((each) => each !== ".venv")) {
    rmSync(path.join(folder, name));
  }
  const script = `#!/usr/bin/env bash\nexec ${JSON.stringify(path.join(ROOT, "run.sh"))} "$@"\n`;
  writeFileSync(path.join(folder, "run.sh"), script, { mode: 0o755 });
  return folder;
}

/** `…` stands for anything. */
function patternOf(shown: string): RegExp {
  const escaped = shown.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("…", ".*")}$`);
}

/** Does what a reader of the guide does. */
async function follow(title: string, blocks: readonly Block[]): Promise<void> {
  const cwd = prepareFolder(title);
  const port = await freePort();
  const env = {
    ...process.env,
    PORT: String(port),
    PIP_CONSTRAINT: path.join(import.meta.dirname, "python-packages.txt"),
  };
  let service: ChildProcess | undefined;
  function stopService(): void {
    if (service?.pid !== undefined) {
      process.kill(-service.pid, "SIGKILL");
    }
    service = undefined;
  }
  onTestFinished(stopService);

  async function serve(command: string): Promise<void> {
    stopService();
    const child = spawn("bash", ["-c", command], {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    service = child;
    for await (const line of createInterface(child.stdout)) {
      if (line.includes('"listening"')) {
        return;
      }
    }
    throw new Error(`${command} ended`);
  }

  function run(command: string): string {
    const here = command.replace("127.0.0.1:8000", `127.0.0.1:${port}`);
    return execFileSync("bash", ["-ec", here], {
      cwd,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  for (const { before, language, code } of blocks) {
    if (language === "python") {
      const name = /`([\w-]+\.py)`:\s*$/.exec(before)?.[1] ?? "";
      expect(name).not.toBe("");
      writeFileSync(path.join(cwd, name), code);
    }
    if (language === "sh") {
      for (const command of code.trim().split("\n")) {
        if (command.endsWith("run.sh local")) {
          await serve(command);
        } else {
          run(command);
        }
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

describe("the guide to serving a model of one's own", () => {
  test("has commands for each library", () => {
    expect(parts.map(({ title }) => title)).toEqual(["scikit-learn", "LightGBM", "XGBoost"]);
  });

  testNeeding(hasPython()).for(parts)(
    "$title: its commands do what it shows",
    { timeout: TIME_LIMIT_MS },
    ({ title, blocks }) => follow(title, blocks),
  );

  test("shows a card that the service accepts", () => {
    const cards = blocksOf(guide).filter(({ language }) => language === "json");
    expect(cards).toHaveLength(1);
    for (const { code } of cards) {
      expect(() => ModelCard.parse(JSON.parse(code))).not.toThrow();
    }
  });

  test("explains every member of a card", () => {
    const names = new Set<string>();
    JSON.stringify(
      z.toJSONSchema(ModelCard, { io: "output", unrepresentable: "any" }),
      (key, value) => {
        if (key === "properties") {
          for (const name of Object.keys(value)) {
            names.add(name);
          }
        }
        return value;
      },
    );
    expect(names.size).toBeGreaterThan(25);
    for (const name of names) {
      expect(guide).toContain(`\`${name}\``);
    }
  });
});
