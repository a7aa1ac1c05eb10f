import { z } from "zod";
import { decodeJson, readRefusedJson } from "../wire/body.ts";
import type { JsonValue, ReadLimits } from "../wire/json-reader.ts";
import { type Detail, type Location, maxDetails, maxInputBytes } from "../wire/refusal.ts";
import { explainIssues, refuseIfAny } from "../wire/validation.ts";
import { bulkOf, featureNames, House } from "./house.ts";
import { toMatrix, unsigned } from "./matrix.ts";
import { scanHouse, scanHouses } from "./scan.ts";

/** The model's input: rows × 8, row-major float32, one row a house in the order sent. */
export type HouseMatrix = Float32Array<ArrayBuffer>;

/** From this length on, what a text would fill the memory with is worth a look before it does. */
const longText = 8 * 1024 * 1024;

function hasMore(character: string, text: string, max: number): boolean {
  let at = -1;
  for (let count = 0; count <= max; count++) {
    at = text.indexOf(character, at + 1);
    if (at === -1) return false;
  }
  return true;
}

/** `undefined` for what is malformed, and for what has many times the parts of a valid body. */
function parseJson(text: string, maxHouses: number): unknown {
  const maxParts = 2 * featureNames.length * maxHouses;
  if (text.length > longText && [",", "{", "["].some((part) => hasMore(part, text, maxParts))) {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function rowOf(house: z.infer<typeof House>): number[] {
  return featureNames.map((name) => house[name]);
}

function matrixOf(rows: Iterable<number>): HouseMatrix {
  return Float32Array.from(rows, unsigned);
}

/** For houses that are valid but not plain numbers; `undefined` where any is not valid. */
function toCoercedMatrix(houses: readonly unknown[]): HouseMatrix | undefined {
  const rows: number[] = [];
  for (const house of houses) {
    const { data } = House.safeParse(house);
    if (data === undefined) return undefined;
    rows.push(...rowOf(data));
  }
  return matrixOf(rows);
}

const names = new Set(["houses", ...featureNames]);

/** What the explanation of a refused body can make use of. */
function explainable(maxItems: number): ReadLimits {
  return {
    maxItems: Math.max(maxItems, maxInputBytes),
    maxKeys: maxDetails + names.size,
    names,
  };
}

/** Objects become plain ones for zod; own keys only, `__proto__` included. */
function plain(value: JsonValue): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}

/** Judges one house by its schema: its values are added to `rows`, or its faults told. */
function* judgeHouse(value: JsonValue, loc: Location, rows: number[]): Generator<Detail> {
  const result = House.safeParse(plain(value), { reportInput: true });
  if (!result.success) yield* explainIssues(result.error.issues, value, loc);
  else rows.push(...rowOf(result.data));
}

function* judgeHouses(root: JsonValue, maxHouses: number, rows: number[]): Generator<Detail> {
  const loc = ["body"];
  const envelope = bulkOf(z.unknown(), maxHouses);
  const issues = envelope.safeParse(plain(root), { reportInput: true }).error?.issues ?? [];
  const unknown = issues.filter(({ code }) => code === "unrecognized_keys");
  const wrong = issues.filter(({ code }) => code !== "unrecognized_keys");
  yield* explainIssues(wrong, root, loc);
  const houses = root instanceof Map && wrong.length === 0 ? root.get("houses") : undefined;
  for (const [index, house] of Array.isArray(houses) ? houses.entries() : []) {
    yield* judgeHouse(house, [...loc, "houses", index], rows);
  }
  yield* explainIssues(unknown, root, loc);
}

/** @throws {Refusal} 422 where the judge tells any fault; else its rows are the matrix */
function judged(judge: (rows: number[]) => Iterable<Detail>): HouseMatrix {
  const rows: number[] = [];
  refuseIfAny(judge(rows));
  return matrixOf(rows);
}

/**
 * Reads the body of `/predict`.
 *
 * @returns 1 × 8
 * @throws {Refusal} 422 or 400, as FastAPI and pydantic v2 refuse it
 */
export function readHouse(body: Buffer): HouseMatrix {
  const scanned = scanHouse(body);
  if (scanned) return scanned;
  const text = decodeJson(body);
  const houses = [parseJson(text, 1)];
  const matrix = toMatrix(houses) ?? toCoercedMatrix(houses);
  if (matrix) return matrix;
  const root = readRefusedJson(text, explainable(1));
  return judged((rows) => judgeHouse(root, ["body"], rows));
}

function housesOf(body: unknown, maxHouses: number): readonly unknown[] | undefined {
  if (typeof body !== "object" || body === null || !("houses" in body)) return undefined;
  const { houses } = body;
  if (!Array.isArray(houses) || houses.length > maxHouses) return undefined;
  return Object.keys(body).length === 1 ? houses : undefined;
}

/**
 * Reads the body of `/bulk_predict`.
 *
 * @returns houses × 8
 * @throws {Refusal} 422 or 400, as FastAPI and pydantic v2 refuse it
 */
export function readHouses(body: Buffer, maxHouses: number): HouseMatrix {
  const scanned = scanHouses(body, maxHouses);
  if (scanned) return scanned;
  const text = decodeJson(body);
  const houses = housesOf(parseJson(text, maxHouses), maxHouses);
  const matrix = houses && (toMatrix(houses) ?? toCoercedMatrix(houses));
  if (matrix) return matrix;
  const root = readRefusedJson(text, explainable(maxHouses));
  return judged((rows) => judgeHouses(root, maxHouses, rows));
}
