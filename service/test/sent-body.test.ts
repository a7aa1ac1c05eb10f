import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { maxSmallBytes, SentBody } from "../src/wire/sent-body.ts";

function bodyOf(chunks: readonly Uint8Array[]): SentBody {
  const body = new SentBody();
  for (const chunk of chunks) body.add(chunk);
  return body;
}

/** Cuts bytes into pieces of these lengths, repeatedly. */
function* cut(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const length = lengths[index % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

const lengths = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })),
  {
    minLength: 1,
  },
);
const content = (length: number) => Buffer.alloc(length, "0123456789abcdef");

describe("SentBody", () => {
  test("a small body in any chunks has the same bytes and digest", () => {
    fc.assert(
      fc.property(fc.nat(maxSmallBytes), lengths, (length, pieces) => {
        const body = bodyOf([...cut(content(length), pieces)]);
        expect(body.isSmall).toBe(true);
        expect(body.bytes().equals(content(length))).toBe(true);
        expect(body.digest()).toBe(hash("sha256", content(length), "base64"));
      }),
      { numRuns: 50 },
    );
  });

  test("a large body in any chunks has the same digest, and the same bytes in its own blocks", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: maxSmallBytes + 1, max: 900_000 }),
        lengths,
        (length, pieces) => {
          const chunks = [...cut(content(length), pieces)];
          const body = bodyOf(chunks);
          expect(body.isSmall).toBe(false);
          expect(body.digest()).toBe(hash("sha256", content(length), "base64"));
          const blocks = body.take();
          expect(Buffer.concat(blocks).equals(content(length))).toBe(true);
          for (const { buffer } of blocks) expect(buffer).not.toBe(chunks[0]?.buffer);
        },
      ),
      { numRuns: 50 },
    );
  });
});

test("a hundred thousand chunks of one byte need only the memory of a few blocks", () => {
  const body = bodyOf(Array.from({ length: 100_000 }, () => Buffer.of(32)));
  const blocks = body.take();
  expect(blocks.length).toBeLessThan(10);
  const bytes = blocks.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  expect(bytes).toBeLessThan(300_000);
});
