import { afterEach, describe, expect, test, vi } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { MemoryCache } from "../src/cache/memory.ts";
import { RecordCache } from "../src/cache/record-cache.ts";

const row = (...numbers: number[]) => Float32Array.from(numbers);
const ample = 1_000_000;

afterEach(() => void vi.useRealTimers());

describe("RecordCache", () => {
  test("a record that was never stored is not found", () => {
    const cache = new RecordCache(ample, 60);
    cache.set("v1:predict", row(1, 2), "stored");
    expect(cache.get("v1:predict", row(1, 3))).toBeUndefined();
    expect(cache.get("v2:predict", row(1, 2))).toBeUndefined();
    expect(new RecordCache(ample, 60).get("v1:predict", row(0, 0))).toBeUndefined();
  });

  test("a record is found until its time to live has passed, which varies by 10 %", () => {
    vi.useFakeTimers();
    const cache = new RecordCache(ample, 60);
    cache.set("v1:predict", row(0, 0), "stored");
    vi.advanceTimersByTime(53_000);
    expect(cache.get("v1:predict", row(0, 0))).toBe("stored");
    vi.advanceTimersByTime(14_000);
    expect(cache.get("v1:predict", row(0, 0))).toBeUndefined();
  });

  test("storing a record again replaces its body", () => {
    const cache = new RecordCache(ample, 60);
    cache.set("v1:predict", row(1), "a longer body");
    cache.set("v1:predict", row(1), "é");
    expect(cache.get("v1:predict", row(1))).toBe("é");
    expect(cache.entries).toBe(1);
  });

  test("there is room only for short bodies of records with few numbers", () => {
    const cache = new RecordCache(ample, 60);
    expect(cache.hasRoom(row(...Array(8).fill(1)), "x".repeat(88))).toBe(true);
    expect(cache.hasRoom(row(...Array(8).fill(1)), "x".repeat(89))).toBe(false);
    expect(cache.hasRoom(row(...Array(8).fill(1)), "é".repeat(45))).toBe(false);
    expect(cache.hasRoom(row(...Array(29).fill(1)), "1234")).toBe(true);
    expect(cache.hasRoom(row(...Array(30).fill(1)), "")).toBe(false);
    expect(cache.get("v1:predict", row(...Array(1000).fill(1)))).toBeUndefined();
  });

  test("a cache that is too small for one set has no room", () => {
    const cache = new RecordCache(8 * 148 - 1, 60);
    expect(cache.maxBytes).toBe(0);
    expect(cache.hasRoom(row(1), "")).toBe(false);
    expect(cache.get("v1:predict", row(1))).toBeUndefined();
  });

  test("the least recently used record of a full set is evicted", () => {
    const cache = new RecordCache(8 * 148, 60);
    for (let i = 0; i < 8; i++) cache.set("v1:predict", row(i), `${i}`);
    expect(cache.get("v1:predict", row(0))).toBe("0");
    cache.set("v1:predict", row(8), "8");
    expect(cache.get("v1:predict", row(1))).toBeUndefined();
    expect([0, 2, 7, 8].map((i) => cache.get("v1:predict", row(i)))).toEqual(["0", "2", "7", "8"]);
    expect(cache.entries).toBe(8);
    expect(cache.bytes).toBeLessThanOrEqual(cache.maxBytes);
  });

  test("a body that is found is always the last one stored for its record", () => {
    const record = fc.array(fc.float({ noNaN: true, min: 1, max: 4 }), {
      minLength: 3,
      maxLength: 3,
    });
    const entry = fc.tuple(fc.constantFrom("v1:predict", "v2:predict"), record, fc.string());
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 200 }), (entries) => {
        const cache = new RecordCache(5_000, 60);
        const last = new Map<string, string>();
        for (const [namespace, record, body] of entries) {
          const numbers = row(...record);
          if (!cache.hasRoom(numbers, body)) continue;
          cache.set(namespace, numbers, body);
          last.set(`${namespace} ${numbers}`, body.toWellFormed());
          expect(cache.get(namespace, numbers)).toBe(body.toWellFormed());
        }
        for (const [namespace, record] of entries) {
          const numbers = row(...record);
          const found = cache.get(namespace, numbers);
          if (found !== undefined) expect(found).toBe(last.get(`${namespace} ${numbers}`));
        }
      }),
    );
  });
});

describe("single records in the memory cache", () => {
  test("bodies that are too long for a slot are found as well", () => {
    const memory = new MemoryCache({ maxBytes: ample, ttlSeconds: 60 });
    const bodies = ["short", "x".repeat(1_000), "short again"];
    for (const [at, body] of bodies.entries()) {
      expect(memory.setRecord("v1:explain", row(at), body)).toBe(true);
      expect(memory.getRecord("v1:explain", row(at))).toBe(body);
    }
    expect(memory.entries).toBe(3);
  });

  test("a body that is longer than the whole cache is not stored", () => {
    const memory = new MemoryCache({ maxBytes: 10_000, ttlSeconds: 60 });
    expect(memory.setRecord("v1:explain", row(1), "x".repeat(10_000))).toBe(false);
    expect(memory.getRecord("v1:explain", row(1))).toBeUndefined();
  });

  test("records and lists together stay within the size of the cache", () => {
    const memory = new MemoryCache({ maxBytes: 50_000, ttlSeconds: 60 });
    for (let i = 0; i < 1_000; i++) {
      memory.setRecord("v1:predict", row(i), "body");
      memory.set(`key ${i}`, "x".repeat(100), 1);
    }
    expect(memory.bytes).toBeLessThanOrEqual(50_000);
    expect(memory.bytes).toBeGreaterThan(30_000);
  });
});
