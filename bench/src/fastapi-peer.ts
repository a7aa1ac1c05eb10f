import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { firstAnswer } from "./first-answer.ts";
import { LeftOut } from "./scenario.ts";
import { freePort, type Server, stopper } from "./servers.ts";

/** Installs the peer on first use, and becomes its only worker. */
const runScript = join(import.meta.dirname, "../../../shared/peer/run.sh");

/** Its packages are downloaded once, and its pipeline is trained once. */
const patienceMs = 900_000;

/** @throws {LeftOut} where it can't be run on this machine */
export function requireFastApi(): void {
  if (!existsSync(runScript)) throw new LeftOut("there is no ../shared/peer/run.sh");
  if (spawnSync("python3", ["--version"]).error) throw new LeftOut("there is no python3");
}

/**
 * The FastAPI service with the same API.
 *
 * @param environment `REDIS_URL`, and `MODEL` for an ONNX file instead of its SVR pipeline
 */
export async function startFastApi(environment: Record<string, string>): Promise<Server> {
  const port = await freePort();
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const child = spawn("env", [...variables, runScript, String(port), "1"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const server = { port, process: child, stop: stopper(child) };
  await firstAnswer(server, "GET /health", patienceMs);
  return server;
}
