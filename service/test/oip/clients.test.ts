import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { beforeAll, expect, onTestFinished } from "vitest";
import { testNeeding } from "../../../test/prerequisite.ts";
import { hasPython, pythonEnvironment } from "../../../test/python-environment.ts";
import { freePort } from "../free-port.ts";

const root = join(import.meta.dirname, "../../..");
const packages = join(import.meta.dirname, "python-packages.txt");
const run = promisify(execFile);
const timeoutMs = 600_000;

/** Runs `./run.sh local` until the test ends. */
async function runLocal(environment: Record<string, string>): Promise<number> {
  const port = await freePort();
  const child = spawn(join(root, "run.sh"), ["local"], {
    env: { ...process.env, PORT: String(port), ...environment },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  onTestFinished(() => {
    if (child.pid) process.kill(-child.pid, "SIGKILL");
  });
  for await (const line of createInterface(child.stdout)) {
    if (line.includes('"msg":"listening"')) return port;
  }
  throw new Error("run.sh local exited");
}

beforeAll(() => {
  if (hasPython) pythonEnvironment("inference-clients", packages);
}, timeoutMs);

testNeeding(hasPython)(
  "tritonclient and KServe's client work with ./run.sh local",
  { timeout: timeoutMs },
  async () => {
    const port = await runLocal({ MODEL_CONTROL: "explicit" });
    const python = join(pythonEnvironment("inference-clients", packages), "python");
    const script = join(import.meta.dirname, "clients.py");
    await expect(run(python, [script, `127.0.0.1:${port}`])).resolves.toMatchObject({ stdout: "" });
  },
);
