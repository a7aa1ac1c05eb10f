import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { waitOptions } from "../../test/wait-options.ts";
import { Status } from "../src/routes/status.ts";
import { post } from "./app-under-test.ts";
import {
  modelVersion,
  redisCache,
  type Service,
  serviceWith,
  timeoutMs,
} from "./cache-under-test.ts";
import { house } from "./house-model.ts";
import { valuesOf } from "./metric-values.ts";
import { RedisProxy, RedisServer, redisTest } from "./redis-server.ts";

/** Sends cached and new houses until stopped, and checks each response. */
function traffic({ predict }: Service) {
  let stopped = false;
  const seen = new Set<string | null>();
  const rounds = [0, 0, 0, 0];
  const clients = rounds.map(async (_, client) => {
    for (let round = 0; !stopped; round++) {
      const income = round % 2 ? client + 1 : (client + 1) * 1000 + round;
      seen.add(await predict(income));
      rounds[client] = round;
      await delay(1);
    }
  });
  return {
    seen,
    /** Waits until each client has got a hundred more responses. */
    async continues() {
      const before = [...rounds];
      const isFurther = (round: number, client: number) => round >= (before[client] ?? 0) + 100;
      await vi.waitUntil(() => rounds.every(isFurther), waitOptions);
    },
    /** @returns all `X-Cache` values */
    async stop() {
      stopped = true;
      await Promise.all(clients);
      return seen;
    },
  };
}

/** Starts connected. On a busy machine, Redis may fail more than once. */
const recoveredEvents = /^cache connected(,cache degraded,cache recovered)+$/;

describe("failures of Redis", () => {
  redisTest(
    "predictions are correct while Redis is absent at the start, and once it is there",
    async () => {
      const redis = await RedisServer.absent();
      const service = await serviceWith({ redisUrl: redis.url });
      expect(await service.predict(1)).toBe("BYPASS");
      expect((await service.app.request("/health")).status).toBe(200);
      const load = traffic(service);
      await vi.waitUntil(() => service.events.includes("cache degraded"), waitOptions);
      await redis.start();
      await vi.waitUntil(() => load.seen.has("HIT"), waitOptions);
      expect(await load.stop()).toContain("BYPASS");
      expect(service.events).toEqual(["cache degraded", "cache recovered"]);
    },
  );

  redisTest("predictions are correct while Redis is down, and after its restart", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const load = traffic(service);
    await redis.kill();
    await service.bypasses();
    await redis.start();
    await service.hits();
    await service.recovered();
    await load.stop();
    expect(service.events).toEqual(["cache connected", "cache degraded", "cache recovered"]);
  });

  redisTest("predictions are correct while Redis is frozen, and after it thaws", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url, redisTimeoutMs: timeoutMs });
    await service.hits();
    const load = traffic(service);
    redis.freeze();
    await service.bypasses();
    await load.continues();
    redis.thaw();
    await service.hits();
    await service.recovered();
    await load.stop();
    expect(service.events.join()).toMatch(recoveredEvents);
  });

  redisTest("predictions are correct while replies are slower than the timeout", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const service = await serviceWith({ redisUrl: proxy.url, redisTimeoutMs: timeoutMs });
    await service.hits();
    const load = traffic(service);
    proxy.delayMs = 1_500;
    await service.bypasses();
    await load.continues();
    proxy.delayMs = 0;
    await service.hits();
    await load.stop();
  });

  redisTest(
    "predictions are correct while connections are reset in the middle of a reply",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      const service = await serviceWith({ redisUrl: proxy.url });
      await service.hits();
      const load = traffic(service);
      proxy.resets = true;
      await service.bypasses();
      proxy.resets = false;
      await service.hits();
      await load.stop();
    },
  );

  redisTest(
    "predictions are correct while connections are accepted but never answered, from the start",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      proxy.silent = true;
      const service = await serviceWith({ redisUrl: proxy.url });
      const load = traffic(service);
      await vi.waitUntil(() => proxy.connections > 1, waitOptions);
      expect(await load.stop()).toEqual(new Set(["BYPASS"]));
      expect(service.events).toEqual(["cache degraded"]);
      proxy.silent = false;
      await service.hits();
      expect(service.events).toEqual(["cache degraded", "cache recovered"]);
    },
  );

  redisTest(
    "predictions are correct after the host of Redis vanishes, and while new connections stay silent",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      const service = await serviceWith({ redisUrl: proxy.url, redisTimeoutMs: timeoutMs });
      await service.hits();
      const load = traffic(service);
      proxy.silent = true;
      await vi.waitUntil(() => proxy.connections > 2, waitOptions);
      await load.continues();
      expect(await service.predict(1)).toBe("BYPASS");
      proxy.silent = false;
      await service.hits();
      await service.recovered();
      await load.stop();
      expect(service.events.join()).toMatch(recoveredEvents);
    },
  );

  redisTest(
    "predictions are correct while the password is wrong, and once it is right",
    async () => {
      const redis = await RedisServer.start();
      const wrong = redis.url.replace("//", "//:wrong@");
      const service = await serviceWith({ redisUrl: wrong });
      const load = traffic(service);
      await service.bypasses();
      await redis.command("CONFIG", "SET", "requirepass", "wrong");
      await service.hits();
      await service.recovered();
      await load.stop();
      expect(service.events).toEqual(["cache degraded", "cache recovered"]);
    },
  );

  redisTest("predictions are correct while Redis is read-only after a failover", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const load = traffic(service);
    await redis.command("CONFIG", "SET", "replica-serve-stale-data", "yes");
    await redis.command("REPLICAOF", "127.0.0.1", "1");
    await vi.waitUntil(() => service.events.includes("cache degraded"), waitOptions);
    // Each failed write may reconnect, and reads are bypassed for a moment.
    await service.hits();
    await redis.command("REPLICAOF", "NO", "ONE");
    await vi.waitUntil(() => service.events.includes("cache recovered"), waitOptions);
    await service.hits(0.5);
    await load.stop();
  });

  redisTest(
    "predictions are correct while Redis is full: writes fail, reads are hits",
    async () => {
      const redis = await RedisServer.start();
      const service = await serviceWith({ redisUrl: redis.url });
      await service.hits();
      await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
      await redis.command("CONFIG", "SET", "maxmemory", "1");
      const load = traffic(service);
      await vi.waitUntil(() => service.events.includes("cache degraded"), waitOptions);
      expect(await service.predict(1)).toBe("HIT");
      expect(await service.predict(0.25)).toBe("MISS");
      await redis.command("CONFIG", "SET", "maxmemory", "0");
      await vi.waitUntil(() => service.events.includes("cache recovered"), waitOptions);
      await service.hits(0.25);
      expect((await load.stop()).has("BYPASS")).toBe(false);
    },
  );

  redisTest("predictions are correct during FLUSHALL", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const load = traffic(service);
    for (let i = 0; i < 20; i++) {
      await redis.command("FLUSHALL");
      await delay(5);
    }
    await service.hits();
    expect((await load.stop()).has("BYPASS")).toBe(false);
  });
});

describe("invalid entries in Redis", () => {
  redisTest.for<[string, (key: string, entry: string) => string[]]>([
    ["garbage", (key) => ["SET", key, "garbage"]],
    ["an empty string", (key) => ["SET", key, ""]],
    ["an entry with a wrong digest", (key) => ["SET", key, 'AAAAAAAAAAAAAAAA{"prediction":9}']],
    ["an altered entry", (key, entry) => ["SET", key, entry.replace(/.\}$/, "9}")]],
    ["a truncated entry", (key, entry) => ["SET", key, entry.slice(0, entry.length / 2)]],
    ["a list", (key) => ["LPUSH", key, "x"]],
    ["a hash", (key) => ["HSET", key, "field", "x"]],
  ])("%s in Redis is never served, and is replaced", async ([, command]) => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits();
    const [key = ""] = await redis.keys();
    const entry = String(await redis.command("GETDEL", key));
    await redis.command(...command(key, entry));
    expect(await service.predict(1)).toBe("MISS");
    await service.hits();
    expect(service.events).toEqual(["cache connected"]);
  });

  redisTest("an entry that belongs to another key is never served", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url });
    await service.hits(1);
    const [one = ""] = await redis.keys();
    await service.hits(2);
    const two = (await redis.keys()).find((key) => key !== one) ?? "";
    await redis.command("COPY", one, two, "REPLACE");
    expect(await service.predict(2)).toBe("MISS");
  });
});

describe("the metrics of Redis", () => {
  redisTest("the metrics count replies and their durations", async () => {
    const redis = await RedisServer.start();
    const { cache, counted, metrics, connected } = redisCache(redis.url);
    await connected();
    const start = performance.now();
    await cache.set("key", "body");
    expect(await cache.get("key")).toBe("body");
    const seconds = (performance.now() - start) / 1000;
    expect(counted()).toEqual({ "set replied": 1, "get replied": 1 });
    const values = valuesOf(metrics, "prediction_redis_command_duration_seconds");
    for (const command of ["get", "set"]) {
      expect(values[`sum ${command}`]).toBeGreaterThan(0);
      expect(values[`sum ${command}`]).toBeLessThanOrEqual(seconds);
    }
  });

  redisTest("the metrics count calls without a connection", async () => {
    const { counted, both } = redisCache((await RedisServer.absent()).url);
    await both();
    expect(counted()).toEqual({ "get offline": 1, "set offline": 1 });
  });

  redisTest("the metrics count timeouts, then calls that the open circuit prevents", async () => {
    const redis = await RedisServer.start();
    const { counted, both, connected } = redisCache(redis.url, timeoutMs);
    await connected();
    redis.freeze();
    await Promise.all(Array.from({ length: 5 }, both));
    expect(Object.keys(counted()).sort()).toEqual(["get timeout", "set timeout"]);
    // After a pause of more than 100 ms, the first calls are probes.
    await vi.waitFor(async () => {
      counted();
      await both();
      expect(counted()).toEqual({ "get open_circuit": 1, "set open_circuit": 1 });
    }, waitOptions);
  });

  redisTest("the metrics count writes that Redis rejects", async () => {
    const redis = await RedisServer.start("--maxmemory", "1");
    const { counted, both, connected } = redisCache(redis.url);
    await connected();
    await both();
    expect(counted()).toEqual({ "get replied": 1, "set refused": 1 });
  });

  redisTest("the metrics count keys with values of a wrong type", async () => {
    const redis = await RedisServer.start();
    const { cache, counted, connected } = redisCache(redis.url);
    await connected();
    await redis.command("LPUSH", "key", "x");
    expect(await cache.get("key")).toBeUndefined();
    expect(counted()).toEqual({ "get wrong_type": 1 });
  });

  redisTest("the metrics count invalid entries", async () => {
    const redis = await RedisServer.start();
    const { cache, counted, connected } = redisCache(redis.url);
    await connected();
    await redis.command("SET", "key", "garbage");
    expect(await cache.get("key")).toBeUndefined();
    expect(counted()).toEqual({ "get replied": 1, "get corrupt": 1 });
  });
});

describe("the state of Redis", () => {
  const statusOf = async ({ app }: Service) =>
    Status.parse(await (await app.request("/status")).json()).cache.redis;

  redisTest("/status responds while Redis is absent", async () => {
    const service = await serviceWith({ redisUrl: (await RedisServer.absent()).url });
    await service.predict(1);
    expect(await statusOf(service)).toMatchObject({ connected: false });
    expect(valuesOf(service.metrics, "prediction_redis_connected")).toEqual({});
    expect((await service.app.request("/metrics")).status).toBe(200);
  });

  redisTest("/status and /metrics show that timeouts open the circuits", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url, redisTimeoutMs: timeoutMs });
    await service.hits();
    expect(await statusOf(service)).toEqual({
      connected: true,
      circuits: { get: "closed", set: "closed" },
    });
    expect(valuesOf(service.metrics, "prediction_redis_connected")).toEqual({ "": 1 });
    expect(valuesOf(service.metrics, "prediction_redis_circuit_open")).toEqual({});
    redis.freeze();
    await Promise.all([2, 3, 4, 5, 6].map(service.predict));
    expect((await statusOf(service))?.circuits.get).toMatch(/^(half_)?open$/);
    expect(valuesOf(service.metrics, "prediction_redis_circuit_open")).toMatchObject({ get: 1 });
  });
});

describe("a silent connection", () => {
  redisTest(
    "a silent connection is replaced once, even if the probes of reads and writes fail together",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      const { counted, both, connected } = redisCache(proxy.url, timeoutMs);
      await connected();
      proxy.silent = true;
      await Promise.all(Array.from({ length: 5 }, both));
      await delay(150);
      proxy.silent = false;
      counted();
      await both();
      const { "get timeout": timeouts, "set open_circuit": prevented } = counted();
      expect([timeouts, prevented]).toEqual([1, undefined]);
      await vi.waitUntil(() => proxy.connections > 1, waitOptions);
      await delay(500);
      expect(proxy.connections).toBe(2);
    },
  );

  redisTest(
    "a silent connection is replaced while idle, before a request waits for it",
    async () => {
      const proxy = await RedisProxy.to(await RedisServer.start());
      const { cache, counted, events, connected } = redisCache(proxy.url);
      await connected();
      proxy.silent = true;
      await vi.waitUntil(() => events.includes("cache degraded"), waitOptions);
      proxy.silent = false;
      await vi.waitUntil(() => events.includes("cache recovered"), waitOptions);
      expect(await cache.get("key")).toBeUndefined();
      expect(counted()).toEqual({ "get replied": 1 });
    },
  );

  redisTest("an idle connection is kept as long as Redis replies to pings", async () => {
    const proxy = await RedisProxy.to(await RedisServer.start());
    const { connected, events } = redisCache(proxy.url);
    await connected();
    await delay(3_500);
    expect(proxy.connections).toBe(1);
    expect(events).toEqual(["cache connected"]);
  });
});

describe("entries in Redis", () => {
  redisTest(
    "the cache key contains the model version, the endpoint and a digest of the numbers",
    async () => {
      const redis = await RedisServer.start();
      const service = await serviceWith({ redisUrl: redis.url });
      await service.hits();
      expect(await redis.keys()).toEqual([
        expect.stringMatching(new RegExp(`^predictions:${modelVersion}:predict:[0-9a-f]{64}$`)),
      ]);
    },
  );

  redisTest("an entry in Redis expires after the time to live, ±10 %", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url, ttlSeconds: 100_000 });
    for (let income = 1; income <= 20; income++) await service.hits(income);
    const keys = await redis.keys();
    const lives = await Promise.all(keys.map((key) => redis.command("PTTL", key)));
    for (const life of lives) {
      expect(life).toBeGreaterThan(89_000_000);
      expect(life).toBeLessThanOrEqual(110_000_000);
    }
    expect(new Set(lives).size).toBeGreaterThan(10);
  });

  redisTest("pods share entries", async () => {
    const redis = await RedisServer.start();
    const first = await serviceWith({ redisUrl: redis.url });
    const second = await serviceWith({ redisUrl: redis.url });
    await first.hits();
    await second.connected();
    await second.hits();
    expect(second.inferences()).toBe(0);
  });

  redisTest("an error response is never stored", async () => {
    const redis = await RedisServer.start();
    const service = await serviceWith({ redisUrl: redis.url, memoryBytes: 1_000_000 });
    await service.connected();
    for (let i = 0; i < 2; i++) {
      const response = await post(service.app, "/predict", { ...house, MedInc: 0 });
      expect(response.status).toBe(422);
      expect(response.headers.has("x-cache")).toBe(false);
      expect(response.headers.has("cache-status")).toBe(false);
    }
    await delay(50);
    expect(await redis.keys()).toEqual([]);
  });

  redisTest(
    "a hit in Redis is kept in memory, and served from there while Redis is down",
    async () => {
      const redis = await RedisServer.start();
      await (await serviceWith({ redisUrl: redis.url })).hits();
      const service = await serviceWith({ redisUrl: redis.url, memoryBytes: 1_000_000 });
      await service.connected();
      await service.hits();
      await redis.kill();
      expect(await service.predict(1)).toBe("HIT");
      expect(service.inferences()).toBe(0);
    },
  );
});

describe("REDIS_URL", () => {
  redisTest("REDIS_URL may contain a user, a password and a database", async () => {
    const redis = await RedisServer.start();
    await redis.command("ACL", "SETUSER", "ann", "on", ">p@ss", "~*", "+@all");
    const url = `redis://ann:p%40ss@127.0.0.1:${redis.port}/3`;
    await (await serviceWith({ redisUrl: url })).hits();
    expect(await redis.keys()).toEqual([]);
    expect(await redis.command("INFO", "keyspace")).toContain("db3:keys=1");
  });

  redisTest("REDIS_URL may be the path of a Unix socket", async () => {
    const redis = await RedisServer.start();
    await (await serviceWith({ redisUrl: `unix://${redis.socketPath}` })).hits();
    expect(await redis.keys()).toHaveLength(1);
  });
});

describe("single flight", () => {
  const ask200 = ({ predict }: Service) =>
    Promise.all(Array.from({ length: 200 }, () => predict(7)));

  test("200 concurrent requests for one key run the model once without Redis", async () => {
    const service = await serviceWith({ memoryBytes: 1_000_000 });
    expect(new Set(await ask200(service))).toEqual(new Set(["MISS"]));
    expect(service.inferences()).toBe(1);
  });

  redisTest("200 concurrent requests for one key run the model once with Redis", async () => {
    const service = await serviceWith({ redisUrl: (await RedisServer.start()).url });
    await service.connected();
    expect(new Set(await ask200(service))).toEqual(new Set(["MISS"]));
    expect(service.inferences()).toBe(1);
  });

  redisTest(
    "200 concurrent requests for one key run the model once with a frozen Redis",
    async () => {
      const redis = await RedisServer.start();
      const service = await serviceWith({ redisUrl: redis.url, redisTimeoutMs: timeoutMs });
      await service.connected();
      redis.freeze();
      expect(new Set(await ask200(service))).toEqual(new Set(["BYPASS"]));
      expect(service.inferences()).toBe(1);
    },
  );
});
