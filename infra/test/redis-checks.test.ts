import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from "vitest";
import { RedisServer } from "../../service/test/redis-server.ts";
import { testNeeding } from "../../test/prerequisite.ts";
import { verifyRedisDns, verifyRedisReady } from "../components/redis-checks.ts";

const has = (command: string) => spawnSync(command, ["--help"]).error === undefined;
const test = testNeeding(has("busybox") && has("redis-server"));

const PASSWORD = `"it's" 100% $HOME \\r\\n é日`;

/** Holds every command of busybox and no other. */
let commands = "";
beforeAll(() => {
  commands = mkdtempSync(join(tmpdir(), "busybox-"));
  execFileSync("busybox", ["--install", "-s", commands]);
});
afterAll(() => rmSync(commands, { recursive: true }));

/** Runs a line as the init container does. */
function run(line: string, REDIS_HOST: string, port = 0, REDIS_PASSWORD = PASSWORD) {
  const redis = { REDIS_HOST, REDIS_PORT: `${port}`, REDIS_USERNAME: "default", REDIS_PASSWORD };
  const child = spawn("sh", ["-c", line], { env: { PATH: commands, LANG: "C.UTF-8", ...redis } });
  onTestFinished(() => void child.kill("SIGKILL"));
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => log.push(...text.trimEnd().split("\n")));
  }
  // Not "exit", which may come before the last of the output.
  const exit = once(child, "close");
  return {
    /** Resolves once the check has failed as often, and the line still runs. */
    async failed(times: number, message: string) {
      const failures = () => log.filter((line) => line === message);
      await vi.waitFor(() => expect(failures()).toHaveLength(times), { timeout: 15_000 });
      expect(child.exitCode).toBeNull();
      expect(log.join()).not.toContain(PASSWORD);
    },
    /** Resolves once the line has ended well, with its last message. */
    async passed() {
      expect((await exit)[0]).toBe(0);
      return log.at(-1);
    },
  };
}

describe("the line that waits for the name of Redis", () => {
  test("waits while the name does not resolve", async () => {
    const line = run(verifyRedisDns, "redis-service.w255.svc.invalid");
    await line.failed(2, "waiting for the name redis-service.w255.svc.invalid to resolve");
  });

  test.each(["10.0.0.1", "2001:db8::1"])("has nothing to look up for %s", async (address) => {
    const line = run(verifyRedisDns, address);
    expect(await line.passed()).toBe(`${address} is an address: there is no name to look up`);
  });
});

describe("the line that waits for Redis", () => {
  const check = (redis: RedisServer, password?: string, host = "127.0.0.1") => {
    const line = run(verifyRedisReady, host, redis.port, password);
    const address = `${host}:${redis.port}`;
    return {
      failed: (times: number) =>
        line.failed(times, `waiting for Redis at ${address} to answer PONG`),
      passed: async () => expect(await line.passed()).toBe(`Redis at ${address} answers PONG`),
    };
  };

  test("passes where no password is asked for", async () => {
    await check(await RedisServer.start()).passed();
  });

  test("passes for an IPv6 address", async () => {
    const redis = await RedisServer.start("--bind", "127.0.0.1", "::1");
    await check(redis, PASSWORD, "::1").passed();
  });

  test("passes with the password, whatever characters it holds", async () => {
    await check(await RedisServer.start("--requirepass", PASSWORD)).passed();
  });

  test.each(["wrong", ""])("never passes with the password %j (NOAUTH)", async (password) => {
    await check(await RedisServer.start("--requirepass", PASSWORD), password).failed(3);
  });

  test("waits while Redis is absent, and passes once it is there", async () => {
    const redis = await RedisServer.absent("--requirepass", PASSWORD);
    const line = check(redis);
    await line.failed(2);
    await redis.start();
    await line.passed();
  });

  test("waits while Redis loads its data (LOADING), and passes once it has", async () => {
    const slowly = ["--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"];
    const redis = await RedisServer.start(...slowly, "--enable-debug-command", "local");
    await redis.command("DEBUG", "POPULATE", "8000");
    await redis.command("SAVE");
    await redis.kill();
    await redis.start();
    const line = check(redis);
    await line.failed(1);
    expect(await redis.command("INFO", "persistence")).toMatch(/^loading:1/m);
    await line.passed();
  });

  test("waits while Redis is silent, and passes once it speaks", async () => {
    const redis = await RedisServer.start();
    redis.freeze();
    const line = check(redis);
    await line.failed(1);
    redis.thaw();
    await line.passed();
  });
});
