import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import type { Load, Measurement } from "./load.ts";
import type { Server } from "./servers.ts";

const script = join(import.meta.dirname, "wrk.lua");

/** Whether it is installed. */
export const hasWrk = (): boolean => spawnSync("wrk", ["--version"]).error === undefined;

/** The last line that the script prints; latencies in microseconds. */
const Found = z.object({
  requests: z.number(),
  microseconds: z.number(),
  p50: z.number(),
  p99: z.number(),
  faults: z.number(),
  cpuSeconds: z.number(),
  taken: z.number(),
});

/**
 * Drives a server from a process of one thread.
 *
 * @throws where the load is not one of seconds
 */
export async function driveByWrk(server: Server, load: Load): Promise<Measurement> {
  const { path, bodies, connections, until } = load;
  if (!("seconds" in until)) throw new Error("wrk can't count requests");
  const folder = mkdtempSync(join(tmpdir(), "bench-wrk-"));
  const templates = join(folder, "templates");
  try {
    if (bodies) writeFileSync(templates, bodies.templates.join("\n"));
    const { stdout } = await promisify(execFile)("wrk", [
      ...["-t1", `-c${connections}`, `-d${until.seconds}s`, "--timeout", "10s", "-s", script],
      `http://127.0.0.1:${server.port}${path}`,
      ...["--", String(bodies?.taken ?? 0), ...(bodies ? [templates] : [])],
    ]);
    const found = Found.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? ""));
    bodies?.skip(found.taken - bodies.taken);
    const seconds = found.microseconds / 1e6;
    return {
      requests: found.requests,
      seconds,
      p50Ms: found.p50 / 1000,
      p99Ms: found.p99 / 1000,
      faults: found.faults,
      clientCores: found.cpuSeconds / seconds,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
