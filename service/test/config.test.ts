import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { InvalidSettingsError, readConfig, settingNames } from "../src/config.ts";
import { invalidRedisUrls, secret, validRedisUrls, validSocketUrls } from "./redis-url-cases.ts";

const root = join(import.meta.dirname, "../..");

const groups = "one or more of api, docs, health, metrics, separated by commas";

test.each([
  ["PORT", "x", "an integer from 0 to 65535"],
  ["PORT", "65536", "an integer from 0 to 65535"],
  ["PORT", "80.5", "an integer from 0 to 65535"],
  ["WORKERS", "0", "auto, or an integer from 1 to 256"],
  ["WORKERS", "257", "auto, or an integer from 1 to 256"],
  ["WORKERS", "many", "auto, or an integer from 1 to 256"],
  ["MODEL_CONTROL", "poll", "one of none, explicit"],
  ["LOG_LEVEL", "loud", "one of trace, debug, info, warn, error, fatal, silent"],
  ["MAX_BODY_BYTES", "0", "an integer from 1 to 1000000000"],
  ["MAX_RECORD_BYTES", "1MiB", "an integer from 1 to 1000000000"],
  ["MAX_BYTES_IN_FLIGHT", "0", "an integer from 1 to 1000000000"],
  ["MAX_HEADER_BYTES", "64K", "an integer from 1 to 1000000000"],
  ["MAX_HOUSES", "-1", "an integer from 1 to 1000000000"],
  ["MAX_CONCURRENT_REQUESTS", "1e3", "an integer from 1 to 1000000000"],
  ["REQUEST_TIMEOUT_MS", "30s", "milliseconds from 1 to 3600000"],
  ["CACHE_TTL_SECONDS", "0", "an integer from 1 to 31536000"],
  ["CACHE_TIMEOUT_MS", "1s", "milliseconds from 1 to 60000"],
  ["CACHE_REDIS_PREDICT", "sometimes", "one of auto, always, never"],
  ["CACHE_MEMORY_BYTES", "64Mi", "bytes from 0 to 1099511627776"],
  ["DRAIN_SECONDS", "-5", "seconds from 0 to 3600"],
  ["API_TOKENS_FOR", "all", groups],
  ["API_TOKENS_FOR", "api,", groups],
  ["API_TOKENS_FOR", "api docs", groups],
])("%s=%s is rejected, and the message says what is allowed", (name, value, allowed) => {
  const fault = { name, message: `found "${value}"; allowed: ${allowed}` };
  expect(() => readConfig({ [name]: value })).toThrow(new InvalidSettingsError([fault]));
});

test("all invalid variables are named together", () => {
  expect(() => readConfig({ PORT: "x", DRAIN_SECONDS: "y", HOST: "::" })).toThrow(
    /^PORT: .*\nDRAIN_SECONDS: .*seconds from 0 to 3600$/,
  );
});

describe("REDIS_URL", () => {
  const urls = [...validRedisUrls.map(([url]) => url), ...validSocketUrls];

  test.each(urls)("REDIS_URL=%s is accepted", (REDIS_URL) => {
    expect(readConfig({ REDIS_URL })).toMatchObject({ REDIS_URL });
  });

  // An empty variable counts as absent.
  test.each(invalidRedisUrls.filter(([url]) => url !== ""))(
    "REDIS_URL=%s is rejected because of its %s, and the URL is not shown",
    (REDIS_URL, part) => {
      const start = new RegExp(`^REDIS_URL: found an invalid ${part}; allowed: \\S`);
      expect(() => readConfig({ REDIS_URL })).toThrow(start);
      expect(() => readConfig({ REDIS_URL })).not.toThrow(secret);
    },
  );
});

describe("documented defaults", () => {
  const text = readFileSync(join(root, "docs/configuration.md"), "utf8");
  const [, settings = ""] = /^## Settings$([\s\S]*?)^## /m.exec(text) ?? [];
  const rows = new Map(
    Array.from(
      settings.matchAll(/^\| `([A-Z_]+)` \| (?:`([^`]+)`|[^|]+) \|/gm),
      ([, name, value]) => [name, value],
    ),
  );
  // The table describes this default in words.
  const defaults = { ...readConfig({}), MODEL_PATH: undefined };

  test.each(settingNames)("the documented default of %s is the actual one", (name) => {
    expect(rows.has(name)).toBe(true);
    expect(rows.get(name)).toBe(defaults[name]?.toString());
  });

  test("docs/configuration.md describes no unknown setting", () => {
    expect([...rows.keys()].sort()).toEqual([...settingNames].sort());
  });
});

test("WORKERS=auto is the number of cores that the process may use", () => {
  expect(readConfig({ WORKERS: "auto" }).WORKERS).toBe(availableParallelism());
});

test("an empty variable counts as absent", () => {
  expect(readConfig({ PORT: "", REDIS_URL: "" })).toEqual(readConfig({}));
});

test("numbers are parsed", () => {
  expect(readConfig({ PORT: "0", DRAIN_SECONDS: "5" })).toMatchObject({
    PORT: 0,
    DRAIN_SECONDS: 5,
  });
});

test("API_TOKENS_FOR without API_TOKENS_FILE is rejected, because nothing would be protected", () => {
  expect(() => readConfig({ API_TOKENS_FOR: "api,docs" })).toThrow(
    'API_TOKENS_FOR: found "api,docs"; allowed: only together with API_TOKENS_FILE',
  );
  expect(readConfig({ API_TOKENS_FOR: "api,docs", API_TOKENS_FILE: "tokens" })).toMatchObject({
    API_TOKENS_FOR: ["api", "docs"],
    API_TOKENS_FILE: "tokens",
  });
});

test("the default model exists", () => {
  expect(readFileSync(readConfig({}).MODEL_PATH).length).toBeGreaterThan(0);
});

test("MAX_BYTES_IN_FLIGHT must have room for one body of MAX_BODY_BYTES", () => {
  const settings = { MAX_BODY_BYTES: "3000", MAX_BYTES_IN_FLIGHT: "3999" };
  expect(() => readConfig(settings)).toThrow(
    'MAX_BYTES_IN_FLIGHT: found "3999"; allowed: at least 4000, so that a body of MAX_BODY_BYTES fits',
  );
  expect(readConfig({ ...settings, MAX_BYTES_IN_FLIGHT: "4000" }).MAX_BYTES_IN_FLIGHT).toBe(4000);
});
