import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { redisCache, serviceWith, timeoutMs } from "./cache-under-test.ts";
import { blockEventLoop, nextTurn } from "./event-loop.ts";
import { RedisProxy, RedisServer, redisTest } from "./redis-server.ts";

describe("a blocked event loop", () => {
  redisTest("replies that arrive while the event loop is blocked do not time out", async () => {
    const redis = await RedisServer.start();
    const { cache, counted, events, connected } = redisCache(redis.url, timeoutMs);
    await connected();
    const replies = Array.from({ length: 10 }, () => [cache.set("key", "body"), cache.get("key")]);
    blockEventLoop(2 * timeoutMs);
    await nextTurn();
    blockEventLoop(2 * timeoutMs);
    await Promise.all(replies.flat());
    expect(Object.keys(counted()).sort()).toEqual(["get replied", "set replied"]);
    expect(events).toEqual(["cache connected"]);
  });

  redisTest(
    "an event loop that is blocked repeatedly for seconds causes no failures of Redis",
    async () => {
      const redis = await RedisServer.start();
      const { both, counted, events, connected } = redisCache(redis.url, timeoutMs);
      await connected();
      for (let i = 0; i < 3; i++) {
        const replies = both();
        for (let turn = 0; turn < i; turn++) await nextTurn();
        blockEventLoop(2_500);
        await replies;
        await delay(100);
      }
      expect(Object.keys(counted()).sort()).toEqual(["get replied", "set replied"]);
      expect(events).toEqual(["cache connected"]);
    },
  );

  redisTest(
    "an event loop that is blocked while connecting causes no failure of Redis",
    async () => {
      const redis = await RedisServer.start();
      const { events, connected } = redisCache(redis.url);
      for (let turn = 0; turn < 4; turn++) {
        await nextTurn();
        blockEventLoop(1_200);
      }
      await connected();
      await delay(100);
      expect(events).toEqual(["cache connected"]);
    },
  );
});

describe("a lost connection", () => {
  redisTest("commands in flight fail as offline if Redis dies", async () => {
    const redis = await RedisServer.start();
    const { both, counted, connected } = redisCache(redis.url);
    await connected();
    redis.freeze();
    const replies = both();
    await nextTurn();
    await redis.kill();
    await replies;
    expect(counted()).toEqual({ "get offline": 1, "set offline": 1 });
  });

  redisTest(
    "a command fails as offline if its connection is reset in the middle of the reply",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      const { cache, counted, connected } = redisCache(proxy.url);
      await connected();
      await cache.set("key", "body");
      proxy.resets = true;
      await expect(cache.get("key")).rejects.toThrow("offline");
      expect(counted()).toEqual({ "set replied": 1, "get offline": 1 });
    },
  );

  redisTest("commands fail as offline if Redis closes the connection", async () => {
    const redis = await RedisServer.start();
    const { both, counted, connected } = redisCache(redis.url);
    await connected();
    await redis.command("CLIENT", "KILL", "TYPE", "normal");
    await both();
    expect(counted()).toEqual({ "get offline": 1, "set offline": 1 });
  });

  redisTest(
    "a command fails as offline if the timeout of another command replaces the connection",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      const { cache, counted, connected } = redisCache(proxy.url, timeoutMs);
      await connected();
      proxy.silent = true;
      await Promise.allSettled(Array.from({ length: 5 }, () => cache.get("key")));
      await delay(120);
      counted();
      const probe = cache.get("key");
      await delay(timeoutMs / 2);
      await Promise.allSettled([probe, cache.set("key", "body")]);
      expect(counted()).toEqual({ "get timeout": 1, "set offline": 1 });
    },
  );

  redisTest("commands fail as offline after the cache is closed", async () => {
    const redis = await RedisServer.start();
    const { cache, both, counted, connected } = redisCache(redis.url);
    await connected();
    await cache.close();
    await both();
    expect(counted()).toEqual({ "get offline": 1, "set offline": 1 });
  });
});

redisTest("a bug in this program is not treated as a failure of Redis", async () => {
  const redis = await RedisServer.start();
  const { cache, counted, connected } = redisCache(redis.url);
  await connected();
  // The number is not a valid key, which the compiler would reject.
  await expect(Reflect.apply(cache.get, cache, [7])).rejects.toThrow(TypeError);
  await expect(Reflect.apply(cache.set, cache, [7, "body"])).rejects.toThrow(TypeError);
  expect(counted()).toEqual({});
  expect(await cache.get("key")).toBeUndefined();
});

describe("garbage from Redis", () => {
  redisTest("a connection on which Redis sends garbage is replaced", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const service = await serviceWith({ redisUrl: proxy.url });
    await service.hits();
    proxy.garbles = true;
    expect(await service.predict(1)).toBe("BYPASS");
    proxy.garbles = false;
    await service.hits();
    expect(proxy.connections).toBe(2);
    expect(service.events).toEqual(["cache connected", "cache degraded", "cache recovered"]);
  });

  redisTest(
    "a connection with garbage from the start is replaced at most once a second",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      proxy.garbles = true;
      const service = await serviceWith({ redisUrl: proxy.url });
      await vi.waitUntil(() => proxy.connectedAtMs.length > 1, waitOptions);
      const [first = 0, second = 0] = proxy.connectedAtMs;
      expect(second - first).toBeGreaterThan(1_000);
      proxy.garbles = false;
      await service.hits();
      expect(service.events).toEqual(["cache degraded", "cache recovered"]);
    },
  );
});

redisTest("closing the cache cancels a pending connection", async () => {
  const proxy = await RedisProxy.to(await RedisServer.start());
  proxy.garbles = true;
  const { cache, events } = redisCache(proxy.url);
  await vi.waitUntil(() => events.includes("cache degraded"), waitOptions);
  await cache.close();
  proxy.garbles = false;
  await delay(2_500);
  expect(proxy.connections).toBe(1);
});
