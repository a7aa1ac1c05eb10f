import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { testNeeding } from "../../test/prerequisite.ts";
import { waitOptions } from "../../test/wait-options.ts";
import { temporaryFolder } from "./model-under-test.ts";
import { preloading, stallForever, whenImporting } from "./preload.ts";
import { asPid1, startService } from "./service-process.ts";

function canBePid1(): boolean {
  const [command, ...args] = asPid1;
  try {
    execFileSync(command, [...args, "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const stallInFileRead = preloading(`
  import fs from "node:fs/promises";
  import { syncBuiltinESMExports } from "node:module";
  fs.readFile = async () => {${stallForever}};
  syncBuiltinESMExports();`);

/** Blocks until the test has sent the signal. */
const blockForAWhile = `
  const { existsSync } = await import("node:fs");
  process.stderr.write("stalled");
  while (!existsSync(process.env.SENT_FILE)) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }`;

const phases = [
  ["it imports its first module", whenImporting("telemetry/logger.ts", stallForever)],
  ["it imports its last module", whenImporting("service.ts", stallForever)],
  ["it imports the Redis client", whenImporting("cache/redis.ts", stallForever)],
  ["the import of a module blocks the event loop", whenImporting("app.ts", blockForAWhile)],
  ["the model is read", stallInFileRead],
] as const;

const runs = [
  ["", [], test],
  [" as PID 1", asPid1, testNeeding(canBePid1())],
] as const;

const modes = [
  ["SIGTERM", "1"],
  ["SIGTERM", "2"],
  ["SIGINT", "1"],
] as const;

describe.each(modes)("%s during startup with WORKERS=%s", (signal, WORKERS) => {
  for (const [suffix, wrapper, testRun] of runs) {
    testRun.each(phases)(
      `${signal} ends the process${suffix} with status 0 if WORKERS=${WORKERS}, while %s`,
      async (_, options) => {
        const SENT_FILE = join(temporaryFolder(), "sent");
        const service = startService(
          { NODE_OPTIONS: options, REDIS_URL: "redis://127.0.0.1:1", WORKERS, SENT_FILE },
          wrapper,
        );
        await vi.waitUntil(() => service.stderr() === "stalled", waitOptions);
        service.signal(signal);
        writeFileSync(SENT_FILE, "");
        expect(await service.exitStatus()).toBe(0);
        expect(service.log).toEqual([]);
        expect(service.stderr()).toBe("stalled");
      },
    );
  }
});

testNeeding(canBePid1()).each(["1", "2"])(
  "SIGTERM after startup ends the process as PID 1 with WORKERS=%s",
  async (WORKERS) => {
    const service = startService({ WORKERS }, asPid1);
    await service.port();
    service.signal("SIGTERM");
    expect(await service.exitStatus()).toBe(0);
  },
);
