import { describe, expect, test } from "vitest";
import { z } from "zod";
import { appUnderTest, post } from "./app-under-test.ts";
import { house } from "./house-model.ts";

const Details = z.object({ detail: z.array(z.looseObject({ loc: z.array(z.unknown()) })) });

const app = appUnderTest();

async function refused(path: string, body: unknown, headers = {}) {
  const response = await post(app, path, body, headers);
  return { status: response.status, body: await response.json() };
}

async function refusedFor(path: string, body: unknown) {
  const refusal = await refused(path, body);
  expect(refusal.status).toBe(422);
  return Details.parse(refusal.body);
}

describe("strict JSON", () => {
  test.each(["NaN", "Infinity", "-Infinity"])(
    "the literal %s is malformed JSON",
    async (literal) => {
      const text = JSON.stringify(house).replace("8.3252", literal);
      expect(await refused("/predict", text)).toEqual({
        status: 422,
        body: {
          detail: [
            {
              type: "json_invalid",
              loc: ["body", 10],
              msg: "JSON decode error",
              input: {},
              ctx: { error: "Expecting value" },
            },
          ],
        },
      });
    },
  );

  test("a body in UTF-16 is rejected", async () => {
    const utf16 = new Uint8Array(Buffer.from(`\ufeff${JSON.stringify(house)}`, "utf16le"));
    expect(await refused("/predict", utf16)).toEqual({
      status: 400,
      body: { detail: "There was an error parsing the body" },
    });
  });
});

describe("limits of Python's parser", () => {
  const parsingError = { status: 400, body: { detail: "There was an error parsing the body" } };
  test.each([
    ["invalid UTF-8", new Uint8Array([0x7b, 0xff, 0x7d])],
    ["a lone surrogate in UTF-8", new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["nesting deeper than 900", `${"[".repeat(901)}${"]".repeat(901)}`],
    ["a field nested deeper than 900", `{"MedInc":${"[".repeat(900)}${"]".repeat(900)}}`],
    ["an integer of more than 4,300 digits", `{"MedInc":${"1".repeat(4301)}}`],
  ])("a body with %s gets 400", async (_, body) => {
    expect(await refused("/predict", body)).toEqual(parsingError);
    expect(await refused("/bulk_predict", body)).toEqual(parsingError);
  });
});

describe("requests that get 500 from FastAPI", () => {
  test("a number that is too large is echoed as null", async () => {
    const text = JSON.stringify(house).replace("8.3252", "1e400");
    expect(await refused("/predict", text)).toEqual({
      status: 422,
      body: {
        detail: [
          {
            type: "finite_number",
            loc: ["body", "MedInc"],
            msg: "Input should be a finite number",
            input: null,
          },
        ],
      },
    });
  });

  test("a lone surrogate is echoed as an escape", async () => {
    const text = JSON.stringify({ ...house, "\ud800": "\udfff" });
    const response = await post(app, "/predict", text);
    expect(response.status).toBe(422);
    expect(await response.text()).toBe(
      '{"detail":[{"type":"extra_forbidden","loc":["body","\\ud800"],' +
        '"msg":"Extra inputs are not permitted","input":"\\udfff"}]}',
    );
  });

  test("bytes that are neither JSON nor UTF-8 are echoed with U+FFFD", async () => {
    const body = new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xff]);
    expect(await refused("/bulk_predict", body, { "content-type": "text/plain" })).toEqual({
      status: 422,
      body: {
        detail: [
          {
            type: "model_attributes_type",
            loc: ["body"],
            msg: "Input should be a valid dictionary or object to extract fields from",
            input: "\ufeffa\ufffd",
          },
        ],
      },
    });
  });
});

describe("the length of error responses", () => {
  const longName = "x".repeat(4094);

  test("an input with more than 4 KiB of JSON is left out of the error response", async () => {
    const text = (extra: string) => JSON.stringify({ ...house, extra });
    const entry = {
      type: "extra_forbidden",
      loc: ["body", "extra"],
      msg: "Extra inputs are not permitted",
    };
    expect(await refused("/predict", text(longName))).toEqual({
      status: 422,
      body: { detail: [{ ...entry, input: longName }] },
    });
    expect(await refused("/predict", text(`${longName}x`))).toEqual({
      status: 422,
      body: { detail: [entry] },
    });
  });

  test("an object with missing fields is left out if it has more than 4 KiB of JSON", async () => {
    const { detail } = await refusedFor("/predict", { MedInc: 1, [longName]: 1 });
    expect(detail[0]).toEqual({
      type: "missing",
      loc: ["body", "HouseAge"],
      msg: "Field required",
    });
  });

  test("an error response lists the first 1,000 faults", async () => {
    const houses = Array.from({ length: 3000 }, () => ({ ...house, MedInc: 0 }));
    const { detail } = await refusedFor("/bulk_predict", { houses, extra: 1 });
    expect(detail).toHaveLength(1000);
    expect(detail.at(-1)?.loc).toEqual(["body", "houses", 999, "MedInc"]);
  });

  test("unknown fields count toward the 1,000 faults", async () => {
    const extras = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x${i}`, i]));
    const { detail } = await refusedFor("/predict", { ...house, ...extras });
    expect(detail).toHaveLength(1000);
    expect(detail.at(-1)?.loc).toEqual(["body", "x999"]);
  });

  test("the error response to a large body does not take much longer than reading it", async () => {
    const nested = `${"[".repeat(800)}${"]".repeat(800)}`;
    const extras = Array.from({ length: 1000 }, (_, i) => `"x${i}":${nested}`);
    const { status } = await refused("/bulk_predict", `{${extras.join(",")}}`);
    expect(status).toBe(422);
  });
});

describe("too many houses", () => {
  const small = appUnderTest({ limits: { maxHouses: 2 } });
  const tooLong = {
    type: "too_long",
    loc: ["body", "houses"],
    msg: "List should have at most 2 items after validation, not 3",
    ctx: { field_type: "List", max_length: 2, actual_length: 3 },
  };

  test("a list with too many houses is one fault, even if its houses are invalid", async () => {
    const response = await post(small, "/bulk_predict", { houses: [house, 1, {}] });
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ detail: [tooLong] });
  });

  test("a list with too many houses does not hide unknown fields of the same body", async () => {
    const body = { a: 1, houses: [house, house, house] };
    const response = await post(small, "/bulk_predict", body);
    expect(await response.json()).toEqual({
      detail: [
        tooLong,
        {
          type: "extra_forbidden",
          loc: ["body", "a"],
          msg: "Extra inputs are not permitted",
          input: 1,
        },
      ],
    });
  });

  test("a list with the maximum number of houses is accepted", async () => {
    expect((await post(small, "/bulk_predict", { houses: [house, house] })).status).toBe(200);
  });
});
