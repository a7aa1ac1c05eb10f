import { describe, expect, test } from "vitest";
import { californiaHousing, type DatasetIdentity, parseDataset } from "../src/dataset.ts";
import { sha256 } from "../src/sha256.ts";
import { sampleDataset, testWithSampleData } from "./requires.ts";

const firstLine =
  "-122.230000,37.880000,41.000000,880.000000,129.000000,322.000000,126.000000,8.325200,452600.000000";
const secondLine =
  "-122.220000,37.860000,21.000000,7099.000000,1106.000000,2401.000000,1138.000000,8.301400,358500.000000";

function bytesOf(...lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

function identityOf(raw: Uint8Array, rows: number): DatasetIdentity {
  return { name: "sample", sha256: sha256(raw), rows };
}

function parseTwoRows(raw: Uint8Array) {
  return parseDataset(raw, identityOf(raw, 2));
}

describe("an invalid data set", () => {
  test("a data set is rejected if it is empty", () => {
    expect(() => parseTwoRows(new Uint8Array())).toThrow("data set line 1: 1 columns instead of 9");
  });

  test("a data set is rejected if it is truncated within a line", () => {
    expect(() => parseTwoRows(bytesOf(firstLine, secondLine.slice(0, 40)))).toThrow(
      "data set line 2: 4 columns instead of 9",
    );
  });

  test("a data set is rejected if it is truncated between lines", () => {
    expect(() => parseTwoRows(bytesOf(firstLine))).toThrow("data set has 1 rows instead of 2");
  });

  test.each([
    ["a word", "abc", "latitude is not a decimal number"],
    ["nothing", "", "latitude is not a decimal number"],
    ["NaN", "NaN", "latitude is not a decimal number"],
    ["a hexadecimal number", "0x10", "latitude is not a decimal number"],
  ])("a data set is rejected if a cell contains %s", (_, cell, fault) => {
    const line = secondLine.replace("37.860000", cell);
    expect(() => parseTwoRows(bytesOf(firstLine, line))).toThrow(`data set line 2: ${fault}`);
  });

  test("a data set is rejected if a block group has no households", () => {
    const line = secondLine.replace("1138.000000", "0.000000");
    expect(() => parseTwoRows(bytesOf(firstLine, line))).toThrow(
      "data set line 2: households is not positive",
    );
  });

  test("the error lists all faults of the first invalid line", () => {
    const line = secondLine.replace("7099.000000", "-1.0").replace("8.301400", "much");
    expect(() => parseTwoRows(bytesOf(firstLine, line))).toThrow(
      "data set line 2: totalRooms is negative, medianIncome is not a decimal number",
    );
  });

  test("a well-formed data set is rejected if its digest is wrong", () => {
    const raw = bytesOf(firstLine, secondLine);
    const identity = { ...identityOf(raw, 2), sha256: "0".repeat(64) };
    expect(() => parseDataset(raw, identity)).toThrow(
      `data set has SHA-256 ${sha256(raw)} instead of ${"0".repeat(64)}`,
    );
  });
});

describe("a data set", () => {
  test("a data set has eight features in model order and a target in 100,000 USD", () => {
    const { features, targets } = parseTwoRows(bytesOf(firstLine, secondLine));
    expect(features.map((feature) => feature[0])).toEqual([
      8.3252,
      41,
      880 / 126,
      129 / 126,
      322,
      322 / 126,
      37.88,
      -122.23,
    ]);
    expect([...targets]).toEqual([4.526, 3.585]);
  });

  testWithSampleData("all rows of the census data set are accepted", () => {
    const { features, targets, identity } = sampleDataset();
    expect(identity).toBe(californiaHousing);
    expect(targets).toHaveLength(20_640);
    expect(features.map((feature) => feature.every(Number.isFinite))).toEqual(Array(8).fill(true));
    expect(Math.max(...targets)).toBe(5.00001);
  });
});
