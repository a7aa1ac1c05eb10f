import { describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "../src/config.ts";

describe("a wrong value", () => {
  test.each([
    ["PORT", "x", "an integer from 0 to 65535"],
    ["PORT", "65536", "an integer from 0 to 65535"],
    ["PORT", "80.5", "an integer from 0 to 65535"],
    ["MODEL_PATH", "model.pkl", "a path ending in .onnx"],
    ["LOG_LEVEL", "loud", "one of trace, debug, info, warn, error, fatal, silent"],
    ["MAX_BODY_BYTES", "0", "an integer from 1 to 1000000000"],
    ["MAX_HOUSES", "-1", "an integer from 1 to 1000000000"],
    ["MAX_CONCURRENT_REQUESTS", "1e3", "an integer from 1 to 1000000000"],
    ["REQUEST_TIMEOUT_MS", "30s", "milliseconds from 1 to 3600000"],
    ["CACHE_TTL_SECONDS", "0", "an integer from 1 to 31536000"],
    ["CACHE_TIMEOUT_MS", "1s", "milliseconds from 1 to 60000"],
    ["CACHE_MEMORY_BYTES", "64Mi", "bytes from 0 to 1099511627776"],
    ["DRAIN_SECONDS", "-5", "seconds from 0 to 3600"],
  ])("%s=%s is named with what is allowed", (name, value, allowed) => {
    const message = `${name}: found "${value}"; allowed: ${allowed}`;
    expect(() => readConfig({ [name]: value })).toThrow(new ConfigError(message));
  });

  test("is named with all the others", () => {
    expect(() => readConfig({ PORT: "x", DRAIN_SECONDS: "y", HOST: "::" })).toThrow(
      /^PORT: .*\nDRAIN_SECONDS: .*seconds from 0 to 3600$/,
    );
  });
});

describe("REDIS_URL", () => {
  test.each([
    "redis://localhost",
    "redis://:p%40ss@redis:6379/2",
    "rediss://user:pass@redis.example:6380",
    "redis://[::1]:6379",
    "unix:///run/redis.sock?db=1",
  ])("may be %s", (REDIS_URL) => {
    expect(readConfig({ REDIS_URL })).toMatchObject({ REDIS_URL });
  });

  test.each([
    "localhost:6379",
    "http://redis",
    "redis://",
    "redis://:secret@redis/x",
    "redis://user:secret@redis:99999",
    "redis://user:p%zz@redis",
    "redis://[::1",
    "unix://",
    "unix:///redis.sock?db=a",
  ])("can't be %s, and is not shown: it may hold a password", (REDIS_URL) => {
    expect(() => readConfig({ REDIS_URL })).toThrow(
      /^REDIS_URL: found a value not shown; allowed: redis:\/\/\[USER:PASSWORD@\]HOST.*PATH$/,
    );
  });
});

test("the defaults are those of the README", () => {
  expect(readConfig({ PATH: "/bin", PORT: "" })).toEqual({
    PORT: 8000,
    HOST: "127.0.0.1",
    MODEL_PATH: expect.stringMatching(/\/model\/california-housing\.onnx$/),
    LOG_LEVEL: "info",
    MAX_BODY_BYTES: 33_554_432,
    MAX_HOUSES: 100_000,
    MAX_CONCURRENT_REQUESTS: 1_000,
    REQUEST_TIMEOUT_MS: 30_000,
    CACHE_TTL_SECONDS: 3_600,
    CACHE_TIMEOUT_MS: 50,
    CACHE_MEMORY_BYTES: 67_108_864,
    DRAIN_SECONDS: 0,
  });
});

test("numbers arrive as numbers", () => {
  expect(readConfig({ PORT: "0", DRAIN_SECONDS: "5" })).toMatchObject({
    PORT: 0,
    DRAIN_SECONDS: 5,
  });
});
