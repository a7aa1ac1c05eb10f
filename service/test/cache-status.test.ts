import { describe, expect, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { type Service, serviceWith, timeoutMs } from "./cache-under-test.ts";
import { RedisServer, redisTest } from "./redis-server.ts";

const noCache = { "cache-control": "no-cache" };

/** Requests new houses until a miss has this `Cache-Status`. */
function misses(service: Service, expected: string): Promise<unknown> {
  const start = Math.random();
  let houses = 0;
  return vi.waitUntil(async () => {
    houses++;
    return (await service.cacheStatus(start + houses)) === expected;
  }, waitOptions);
}

/** Commands that make Redis fail writes but not reads, and commands that undo them. */
const writeFailures: [name: string, begin: string[][], end: string[][]][] = [
  [
    "full",
    [
      ["CONFIG", "SET", "maxmemory-policy", "noeviction"],
      ["CONFIG", "SET", "maxmemory", "1"],
    ],
    [["CONFIG", "SET", "maxmemory", "0"]],
  ],
  ["read-only", [["REPLICAOF", "127.0.0.1", "1"]], [["REPLICAOF", "NO", "ONE"]]],
  [
    "not writable for this user",
    [["ACL", "SETUSER", "default", "-set"]],
    [["ACL", "SETUSER", "default", "+set"]],
  ],
];

describe("responses that are not stored", () => {
  redisTest.for(writeFailures)(
    "Cache-Status does not say stored while Redis is %s",
    async ([, begin, end]) => {
      const redis = await RedisServer.start();
      const service = await serviceWith({ redisUrl: redis.url });
      await service.hits();
      expect(await service.cacheStatus(2)).toBe("fwd=miss; stored");
      for (const command of begin) await redis.command(...command);
      await misses(service, "fwd=miss");
      // The circuit for writes opens after some of these requests. If Redis is read-only, probes
      // reconnect, and reads are bypassed for a moment.
      for (let houses = 0; houses < 10; houses++) {
        expect(await service.cacheStatus(10.5 + houses)).toMatch(/^fwd=(?:miss|bypass)$/);
        expect(await service.cacheStatus(10.5 + houses, noCache)).toBe("fwd=request");
      }
      const concurrent = await Promise.all([service.cacheStatus(99), service.cacheStatus(99)]);
      expect(concurrent.join()).not.toContain("stored");
      await service.hits();
      for (const command of end) await redis.command(...command);
      await misses(service, "fwd=miss; stored");
      expect(await service.cacheStatus(1, noCache)).toBe("fwd=request; stored");
    },
  );

  redisTest("Cache-Status does not say stored while Redis does not reply", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url, redisTimeoutMs: timeoutMs });
    await service.hits();
    redis.freeze();
    await vi.waitUntil(
      async () => (await service.cacheStatus(1, noCache)) === "fwd=request",
      waitOptions,
    );
    expect(await service.cacheStatus(1)).toBe("fwd=bypass");
    redis.thaw();
    await vi.waitUntil(
      async () => (await service.cacheStatus(1, noCache)) === "fwd=request; stored",
      waitOptions,
    );
  });

  redisTest("Cache-Status does not say stored while Redis is down", async () => {
    const redis = await RedisServer.absent();
    const service = await serviceWith({ redisUrl: redis.url });
    expect(await service.cacheStatus(1, noCache)).toBe("fwd=request");
    expect(await service.cacheStatus(1)).toBe("fwd=bypass");
    await redis.start();
    await service.hits();
    expect(await service.cacheStatus(1, noCache)).toBe("fwd=request; stored");
    await redis.kill();
    await vi.waitUntil(
      async () => (await service.cacheStatus(1, noCache)) === "fwd=request",
      waitOptions,
    );
  });

  test("Cache-Status does not say stored if memory has no room for the response", async () => {
    const service = await serviceWith({ memoryBytes: 200 });
    for (let times = 0; times < 2; times++) {
      expect(await service.cacheStatus(1)).toBe("fwd=miss");
      expect(await service.cacheStatus(1, noCache)).toBe("fwd=request");
    }
  });

  test("Cache-Status does not say stored if there is no cache", async () => {
    const service = await serviceWith();
    expect(await service.cacheStatus(1)).toBe("fwd=bypass");
    expect(await service.cacheStatus(1, noCache)).toBe("fwd=request");
  });
});

describe("responses that are stored in memory only", () => {
  redisTest.for(writeFailures)(
    "Cache-Status says stored if memory stores it while Redis is %s",
    async ([, begin]) => {
      const redis = await RedisServer.start();
      const service = await serviceWith({ redisUrl: redis.url, memoryBytes: 1_000_000 });
      await service.connected();
      for (const command of begin) await redis.command(...command);
      for (let house = 1; house < 10; house++) {
        // If Redis is read-only, failed writes reconnect, and reads are bypassed for a moment.
        expect(await service.cacheStatus(house)).toMatch(/^fwd=(?:miss; stored|bypass)$/);
        expect(await service.cacheStatus(house, noCache)).toBe("fwd=request; stored");
        expect(await service.cacheStatus(house)).toBe("hit; detail=memory");
      }
    },
  );

  redisTest("Cache-Status says stored if memory stores it while Redis is down", async () => {
    const redis = await RedisServer.absent();
    const service = await serviceWith({ redisUrl: redis.url, memoryBytes: 1_000_000 });
    expect(await service.cacheStatus(1, noCache)).toBe("fwd=request; stored");
    expect(await service.cacheStatus(1)).toBe("hit; detail=memory");
  });
});
