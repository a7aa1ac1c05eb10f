import { execFileSync } from "node:child_process";
import { describe, expect, test, vi } from "vitest";
import { testNeeding } from "../../test/prerequisite.ts";
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

/** `NODE_OPTIONS` that run some JavaScript before the service. */
function preloading(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

/** Appends code to one of the service's modules, which runs when it is imported. */
function whenImporting(module: string, code: string): string {
  return preloading(`
    import { registerHooks } from "node:module";
    registerHooks({
      load(url, context, nextLoad) {
        const loaded = nextLoad(url, context);
        if (!url.endsWith("/service/src/${module}")) return loaded;
        return { ...loaded, source: loaded.source + ${JSON.stringify(`\n${code}`)} };
      },
    });`);
}

const stallForever = `
  process.stderr.write("stalled");
  setInterval(() => {}, 1000);
  await new Promise(() => {});`;

const stallInFileRead = preloading(`
  import fs from "node:fs/promises";
  import { syncBuiltinESMExports } from "node:module";
  fs.readFile = async () => {${stallForever}};
  syncBuiltinESMExports();`);

const blockForOneSecond = `
  process.stderr.write("stalled");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);`;

const phases = [
  ["it imports its first module", whenImporting("telemetry/logger.ts", stallForever)],
  ["it imports its last module", whenImporting("service.ts", stallForever)],
  ["it imports the Redis client", whenImporting("cache/redis.ts", stallForever)],
  ["the import of a module blocks it", whenImporting("app.ts", blockForOneSecond)],
  ["the model is read", stallInFileRead],
] as const;

const runs = [
  ["", [], test],
  [" as PID 1", asPid1, testNeeding(canBePid1())],
] as const;

describe.each(["SIGTERM", "SIGINT"] as const)("%s during startup", (signal) => {
  for (const [suffix, wrapper, testRun] of runs) {
    testRun.each(phases)(
      `${signal} ends the process${suffix} with status 0 while %s`,
      async (_, options) => {
        const service = startService(
          { NODE_OPTIONS: options, REDIS_URL: "redis://127.0.0.1:1" },
          wrapper,
        );
        await vi.waitUntil(() => service.stderr() === "stalled", 10_000);
        service.signal(signal);
        expect(await service.exitStatus()).toBe(0);
        expect(service.log).toEqual([]);
        expect(service.stderr()).toBe("stalled");
      },
    );
  }
});

testNeeding(canBePid1())("SIGTERM after startup ends the process as PID 1", async () => {
  const service = startService({}, asPid1);
  await service.port();
  service.signal("SIGTERM");
  expect(await service.exitStatus()).toBe(0);
});
