import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { encodePng } from "../src/png.ts";

test("a picture has the PNG signature, its size, its palette and its pixels", () => {
  const png = Buffer.from(
    encodePng(Uint8Array.of(0, 1, 1, 0, 1, 1), 3, Uint8Array.of(1, 2, 3, 4, 5, 6)),
  );
  expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([3, 2]);
  const palette = png.indexOf("PLTE") + 4;
  expect([...png.subarray(palette, palette + 6)]).toEqual([1, 2, 3, 4, 5, 6]);
  const data = png.indexOf("IDAT");
  const length = png.readUInt32BE(data - 4);
  const lines = inflateSync(png.subarray(data + 4, data + 4 + length));
  expect([...lines]).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
});
