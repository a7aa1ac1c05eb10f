import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from "vitest";
import { RedisServer } from "../../service/test/redis-server.ts";
import { testNeeding } from "../../test/prerequisite.ts";
import { waitOptions } from "../../test/wait-options.ts";
import { verifyRedisDns, verifyRedisReady } from "../components/redis-checks.ts";

const has = (command: string) => spawnSync(command, ["--help"]).error === undefined;
const test = testNeeding(has("busybox") && has("redis-server"));

const redisPassword = `"it's" 100% $HOME \\r\\n é日`;

/** A folder with the commands of busybox and no others. */
let commands = "";
beforeAll(() => {
  commands = mkdtempSync(join(tmpdir(), "busybox-"));
  execFileSync("busybox", ["--install", "-s", commands]);
});
afterAll(() => rmSync(commands, { recursive: true }));

/** Runs a script as the init container does. */
function run(script: string, REDIS_HOST: string, port = 0, REDIS_PASSWORD = redisPassword) {
  const redis = { REDIS_HOST, REDIS_PORT: `${port}`, REDIS_USERNAME: "default", REDIS_PASSWORD };
  const child = spawn("sh", ["-c", script], { env: { PATH: commands, LANG: "C.UTF-8", ...redis } });
  onTestFinished(() => void child.kill("SIGKILL"));
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => log.push(...text.trimEnd().split("\n")));
  }
  // Not "exit", which may be emitted before the end of the output.
  const exit = once(child, "close");
  return {
    /** Resolves once the check has failed at least this many times, if the script still runs. */
    async failed(times: number, message: string) {
      const failures = () => log.filter((line) => line === message);
      await vi.waitFor(() => expect(failures().length).toBeGreaterThanOrEqual(times), waitOptions);
      expect(child.exitCode).toBeNull();
      expect(log.join()).not.toContain(redisPassword);
    },
    /** Resolves with the last message once the script has succeeded. */
    async passed() {
      expect((await exit)[0]).toBe(0);
      return log.at(-1);
    },
  };
}

describe("DNS check", () => {
  test("the DNS check waits while the name of Redis does not resolve", async () => {
    const script = run(verifyRedisDns, "redis-service.w255.svc.invalid");
    await script.failed(2, "waiting for the name redis-service.w255.svc.invalid to resolve");
  });

  test.each(["10.0.0.1", "2001:db8::1"])(
    "the DNS check succeeds immediately for the address %s",
    async (address) => {
      const script = run(verifyRedisDns, address);
      expect(await script.passed()).toBe(`${address} is an address: there is no name to look up`);
    },
  );
});

describe("Redis check", () => {
  const check = (redis: RedisServer, password?: string, host = "127.0.0.1") => {
    const script = run(verifyRedisReady, host, redis.port, password);
    const address = `${host}:${redis.port}`;
    return {
      failed: (times: number) =>
        script.failed(times, `waiting for Redis at ${address} to answer PONG`),
      passed: async () => expect(await script.passed()).toBe(`Redis at ${address} answers PONG`),
    };
  };

  test("the Redis check succeeds if Redis has no password", async () => {
    await check(await RedisServer.start()).passed();
  });

  test("the Redis check succeeds for an IPv6 address", async () => {
    const redis = await RedisServer.start("--bind", "127.0.0.1", "::1");
    await check(redis, redisPassword, "::1").passed();
  });

  test("the Redis check succeeds with a password of any characters", async () => {
    await check(await RedisServer.start("--requirepass", redisPassword)).passed();
  });

  test.each(["wrong", ""])(
    "the Redis check never succeeds with the wrong password %j",
    async (password) => {
      await check(await RedisServer.start("--requirepass", redisPassword), password).failed(3);
    },
  );

  test("the Redis check waits until Redis is running", async () => {
    const redis = await RedisServer.absent("--requirepass", redisPassword);
    const script = check(redis);
    await script.failed(2);
    await redis.start();
    await script.passed();
  });

  test("the Redis check waits until Redis has loaded its data", async () => {
    // Five milliseconds for each key, which are more than a minute.
    const slowly = ["--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024"];
    const redis = await RedisServer.start(...slowly, "--enable-debug-command", "local");
    await redis.command("DEBUG", "POPULATE", "20000");
    await redis.command("SAVE");
    await redis.kill();
    const started = redis.start();
    const persistence = () => redis.command("INFO", "persistence");
    await vi.waitFor(async () => expect(await persistence()).toMatch(/^loading:1/m), waitOptions);
    const script = check(redis);
    await script.failed(1);
    expect(await persistence()).toMatch(/^loading:1/m);
    await redis.command("CONFIG", "SET", "key-load-delay", "0");
    await script.passed();
    await started;
  });

  test("the Redis check waits until a Redis that hangs replies again", async () => {
    const redis = await RedisServer.start();
    redis.freeze();
    const script = check(redis);
    await script.failed(1);
    redis.thaw();
    await script.passed();
  });
});
