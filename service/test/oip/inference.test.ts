import { describe, expect, test } from "vitest";
import { fc } from "../../../test/seeded-fast-check.ts";
import { appUnderTest, post } from "../app-under-test.ts";
import { openCache } from "../cache-under-test.ts";
import { house, houseCard } from "../house-model.ts";
import { binaryRequest, errorOf, floats, infer, inferPath } from "./protocol.ts";

const row = Object.values(house);
const names = houseCard.features.map(({ name }) => name);

const table = (data: unknown, shape = [1, 8], datatype = "FP32") => ({
  inputs: [{ name: "houses", shape, datatype, data }],
});

/** The service with a cache in memory. */
const appWithCache = async () => appUnderTest({ cache: (await openCache()).readThrough });

const perFeature = names.map((name, column) => ({
  name,
  shape: [1, 1],
  datatype: "FP32",
  data: [row[column]],
}));

const binaryTable = binaryRequest(
  { inputs: [{ ...table([]).inputs[0], data: undefined, parameters: { binary_data_size: 32 } }] },
  floats(...row),
);

const mixed = binaryRequest(
  {
    inputs: perFeature
      .map(({ data, ...input }, index) =>
        index % 2 === 0 ? { ...input, data } : { ...input, parameters: { binary_data_size: 4 } },
      )
      .toReversed(),
  },
  floats(...row.filter((_, index) => index % 2 === 1).toReversed()),
);

const forms: readonly [what: string, body: unknown, headers?: object][] = [
  ["a flat table", table(row)],
  ["a nested table", table([row])],
  ["a table with an id", { id: "x", ...table(row) }],
  ["a table in FP64", table(row, [1, 8], "FP64")],
  ["one input per feature", { inputs: perFeature }],
  ["one input per feature in a different order", { inputs: perFeature.toReversed() }],
  [
    "nested inputs per feature",
    { inputs: perFeature.map((each) => ({ ...each, data: [each.data] })) },
  ],
  [
    "members in a different order",
    `{"inputs":[{"data":${JSON.stringify(row)},"datatype":"FP32","shape":[1,8],"name":"houses"}]}`,
  ],
  ["a binary table", binaryTable.body, binaryTable.headers],
  ["JSON and binary inputs per feature", mixed.body, mixed.headers],
];

describe("an inference request", () => {
  test.each(forms)("%s gets a prediction", async (_, body, headers) => {
    const { outputs } = await infer(appUnderTest(), body, headers);
    expect(outputs).toEqual([
      { name: "MedHouseVal", datatype: "FP32", shape: [1, 1], data: [Math.fround(house.MedInc)] },
    ]);
  });

  test("the same numbers are found in the cache, whatever their encoding and the id", async () => {
    const app = await appWithCache();
    const found = [];
    for (const [, body, headers] of forms) {
      found.push((await infer(app, body, headers)).headers.get("x-cache"));
    }
    expect(found).toEqual(["MISS", ...Array(forms.length - 1).fill("HIT")]);
  });

  test("a response from the cache has the id and the encoding that its request asks for", async () => {
    const app = await appWithCache();
    const binary = { parameters: { binary_data_output: true } };
    for (const cache of ["first", "again"]) {
      for (const id of ["é", "b", undefined]) {
        for (const output of [{}, binary]) {
          const found = await infer(app, { id, ...output, ...table(row) });
          expect({
            cache,
            id: found.id,
            isBinary: found.isBinary,
            data: found.outputs[0]?.data,
          }).toEqual({
            cache,
            id,
            isBinary: output === binary,
            data: [Math.fround(house.MedInc)],
          });
          expect(found.unreadBytes).toBe(0);
        }
      }
    }
  });

  test("rows are predicted in order, whether there are few or many", async () => {
    const values = Array.from({ length: 3000 }, (_, index) => index + 1);
    const data = values.flatMap((value) => [value, ...row.slice(1)]);
    const app = appUnderTest();
    const flat = await infer(app, table(data, [3000, 8]));
    expect(flat.outputs[0]).toMatchObject({ shape: [3000, 1], data: values });
    const { body, headers } = binaryRequest(
      {
        parameters: { binary_data_output: true },
        inputs: [
          {
            ...table([], [3000, 8]).inputs[0],
            data: undefined,
            parameters: { binary_data_size: 96_000 },
          },
        ],
      },
      floats(...data),
    );
    const binary = await infer(app, body, headers);
    expect(binary.isBinary).toBe(true);
    expect(binary.outputs[0]).toMatchObject({ shape: [3000, 1], data: values });
  });

  test.each([[[]], [undefined]])("an empty batch gets an empty output", async (outputs) => {
    const {
      outputs: [output],
    } = await infer(appUnderTest(), { ...table([], [0, 8]), outputs });
    expect(output).toMatchObject({ shape: [0, 1], data: [] });
  });

  test("unknown members and parameters are ignored", async () => {
    const parameters = {
      sequence_id: 7,
      priority: 2,
      timeout: 1000,
      x: { y: [1] },
      binary_data_output: null,
    };
    const body = { model_name: "x", parameters, ...table(row), outputs: null, id: null };
    expect((await infer(appUnderTest(), body)).id).toBeUndefined();
  });

  test.each<[what: string, body: object, isBinary: boolean]>([
    ["binary_data_output", { parameters: { binary_data_output: true } }, true],
    [
      "binary_data",
      { outputs: [{ name: "MedHouseVal", parameters: { binary_data: true } }] },
      true,
    ],
    [
      "binary_data: false, which takes precedence over binary_data_output",
      {
        parameters: { binary_data_output: true },
        outputs: [{ name: "MedHouseVal", parameters: { binary_data: false } }],
      },
      false,
    ],
  ])("the parameter %s decides the output's encoding", async (_, parts, isBinary) => {
    const response = await infer(appUnderTest(), { ...table(row), ...parts });
    expect(response.isBinary).toBe(isBinary);
    expect(response.headers.get("content-type")).toBe(
      isBinary ? "application/octet-stream" : "application/json",
    );
  });

  test("numbers in JSON are rounded like those of /predict", async () => {
    const app = appUnderTest();
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 1e-30, max: 1e30, noNaN: true }), async (value) => {
        const single = await post(app, "/predict", { ...house, MedInc: value });
        const { prediction } = Object(await single.json());
        const { outputs } = await infer(app, table([value, ...row.slice(1)]));
        expect(outputs[0]?.data).toEqual([prediction]);
      }),
    );
  });

  test("no JSON value causes an internal error", async () => {
    const app = appUnderTest();
    const json = fc.jsonValue({ maxDepth: 4 });
    const input = fc.record(
      {
        name: fc.constantFrom("houses", "MedInc", "x"),
        shape: json,
        datatype: fc.oneof(fc.constant("FP32"), json),
        data: json,
        parameters: json,
      },
      { requiredKeys: [] },
    );
    const request = fc.record(
      {
        id: json,
        parameters: json,
        inputs: fc.oneof(json, fc.array(fc.oneof(input, json))),
        outputs: json,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(request, json), async (body) => {
        expect((await errorOf(app, JSON.stringify(body))).status).toBe(400);
      }),
      { numRuns: 300 },
    );
  });
});

describe("an invalid inference request", () => {
  const without = (member: string) => ({
    inputs: [{ ...table(row).inputs[0], [member]: undefined }],
  });
  const withInput = (change: object) => ({ inputs: [{ ...table(row).inputs[0], ...change }] });

  test.each<[body: unknown, error: string]>([
    ["", "the JSON is empty"],
    ['{"inputs":[', "the JSON is invalid: Expecting value at character 11"],
    [Buffer.from([0x22, 0xff, 0x22]), "the JSON is invalid: not valid UTF-8"],
    [`${"[".repeat(901)}${"]".repeat(901)}`, "the JSON is invalid: nested deeper than 900 levels"],
    ["[1]", "the body must be an object"],
    [{}, "inputs is missing"],
    [{ inputs: [] }, "inputs must not be empty"],
    [{ inputs: {} }, "inputs must be a list"],
    [{ inputs: [1] }, "inputs[0] must be an object"],
    [without("name"), "inputs[0].name is missing"],
    [without("shape"), "inputs[0].shape is missing"],
    [without("datatype"), "inputs[0].datatype is missing"],
    [without("data"), 'input "houses" must have either data or the parameter binary_data_size'],
    [
      withInput({ parameters: { binary_data_size: 32 } }),
      'input "houses" must have either data or the parameter binary_data_size',
    ],
    [withInput({ data: 7 }), "inputs[0].data must be a list"],
    [withInput({ shape: [-1, 8] }), "inputs[0].shape[0] must be an integer of at least 0"],
    [withInput({ shape: [1.5, 8] }), "inputs[0].shape[0] must be an integer of at least 0"],
    [withInput({ shape: ["1", "8"] }), "inputs[0].shape[0] must be an integer of at least 0"],
    [
      withInput({ datatype: "fp32" }),
      "inputs[0].datatype must be one of FP32, FP64, INT64, INT32, BOOL, BYTES",
    ],
    [
      withInput({ datatype: "FP16" }),
      "inputs[0].datatype must be one of FP32, FP64, INT64, INT32, BOOL, BYTES",
    ],
    [{ id: 5, ...table(row) }, "id must be a string"],
    [{ id: "x".repeat(1025), ...table(row) }, "id must have at most 1024 characters"],
    [
      { parameters: { binary_data_output: "yes" }, ...table(row) },
      "parameters.binary_data_output must be true or false",
    ],
    [{ outputs: [{ name: "x" }], ...table(row) }, 'output "x" is unknown. Allowed: "MedHouseVal"'],
    [
      withInput({ name: "x" }),
      `input "x" is unknown. Allowed: "houses" with all features, or one input per feature, which are ${names.map((name) => `"${name}"`).join(", ")}`,
    ],
    [
      { inputs: [table(row).inputs[0], table(row).inputs[0]] },
      'input "houses" is unknown. Allowed: ',
    ],
    [{ inputs: [perFeature[0], perFeature[0]] }, 'input "MedInc" is sent twice'],
    [{ inputs: perFeature.slice(1) }, 'input "MedInc" is missing'],
    [
      {
        inputs: perFeature.map((each, index) =>
          index === 2 ? { ...each, shape: [2, 1], data: [1, 2] } : each,
        ),
      },
      'input "AveRooms" has 2 rows, and input "MedInc" has 1',
    ],
    [withInput({ shape: [1, 7] }), 'input "houses" has shape [1,7]; it must be [N, 8]'],
    [withInput({ shape: [8] }), 'input "houses" has shape [8]; it must be [N, 8]'],
    [withInput({ shape: [1, 8, 1] }), 'input "houses" has shape [1,8,1]; it must be [N, 8]'],
    [
      withInput({ datatype: "BYTES" }),
      'input "houses" is BYTES; feature "MedInc" can be FP32, FP64, INT64, INT32',
    ],
    [
      withInput({ datatype: "BOOL" }),
      'input "houses" is BOOL; feature "MedInc" can be FP32, FP64, INT64, INT32',
    ],
    [table(row, [2, 8]), 'input "houses" has shape [2, 8], so it needs 16 elements; data has 8'],
    [table([...row, 1]), 'input "houses" has shape [1, 8], so it needs 8 elements; data has more'],
    [
      table([1], [100_000, 8]),
      'input "houses" has shape [100000, 8], so it needs 800000 elements; data has at most 1',
    ],
    [table([1], [2 ** 31, 8]), 'input "houses" has 2147483648 rows; at most 100000 are allowed'],
    [table([], [0, 2 ** 40]), 'input "houses" has shape [0,1099511627776]; it must be [N, 8]'],
    [
      table([row, row.slice(1)], [2, 8]),
      'the data of input "houses" must be a flat list, or 2 lists of 8',
    ],
    [
      table([row, ...row], [2, 8]),
      'the data of input "houses" must be a flat list, or 2 lists of 8',
    ],
    [table([[row]]), 'the data of input "houses" must be a flat list, or 1 lists of 8'],
    [table([[]], [0, 8]), 'the data of input "houses" must be a flat list, or 0 lists of 8'],
  ])("the inference request %j gets 400: %s", async (body, expected) => {
    const { status, error } = await errorOf(appUnderTest(), body);
    expect(status).toBe(400);
    if (expected.endsWith(": ")) expect(error).toContain(expected);
    else expect(error).toBe(expected);
  });

  test.each<[values: string, error: string]>([
    ["0,41,6,1,322,2,37,-122", 'row 0, feature "MedInc": Input should be greater than 0, found 0'],
    ['"8",41,6,1,322,2,37,-122', 'row 0, feature "MedInc": must be a number'],
    ["8,null,6,1,322,2,37,-122", 'row 0, feature "HouseAge": must be a number'],
    ["8,41,true,1,322,2,37,-122", 'row 0, feature "AveRooms": must be a number'],
    ["8,41,6,{},322,2,37,-122", 'row 0, feature "AveBedrms": must be a number'],
    ["8,41,6,1,1e400,2,37,-122", 'row 0, feature "Population": must be a finite FP32 number'],
    ["8,41,6,1,322,1e39,37,-122", 'row 0, feature "AveOccup": must be a finite FP32 number'],
    [
      "8,41,6,1,322,2,37,-122,1,41,6,1,322,2,37,-122,-1e-50,41,6,1,322,2,37,-122",
      'row 2, feature "MedInc": Input should be greater than 0, found -1e-50',
    ],
  ])("the elements %s get 400: %s", async (values, expected) => {
    const rows = values.split(",").length / 8;
    const body = JSON.stringify(table([], [rows, 8])).replace("[]", `[${values}]`);
    const { status, error } = await errorOf(appUnderTest(), body);
    expect({ status, error }).toEqual({ status: 400, error: `input "houses", ${expected}` });
  });

  test.each<
    [
      what: string,
      size: number | undefined,
      tensor: Uint8Array,
      length: string | undefined,
      error: string,
    ]
  >([
    [
      "a size that is too small",
      28,
      floats(...row),
      undefined,
      'input "houses" needs 32 bytes for 8 FP32 elements; binary_data_size is 28',
    ],
    [
      "a tensor that is too short",
      32,
      floats(...row).subarray(1),
      undefined,
      "the inputs have binary_data_size 32 in total; the body has 31 bytes after the JSON",
    ],
    [
      "a tensor that is too long",
      32,
      Buffer.concat([floats(...row), floats(1)]),
      undefined,
      "the inputs have binary_data_size 32 in total; the body has 36 bytes after the JSON",
    ],
    [
      "no length of the JSON",
      32,
      floats(...row),
      "",
      "Inference-Header-Content-Length must be a number of bytes",
    ],
    [
      "a length that is not a number",
      32,
      floats(...row),
      "x",
      "Inference-Header-Content-Length must be a number of bytes",
    ],
    [
      "a negative length",
      32,
      floats(...row),
      "-1",
      "Inference-Header-Content-Length must be a number of bytes",
    ],
    [
      "a length beyond the body",
      32,
      floats(...row),
      "100000",
      "Inference-Header-Content-Length is 100000; the body has",
    ],
    ["a length that is too short", 32, floats(...row), "10", "the JSON is invalid: "],
    [
      "NaN",
      32,
      floats(Number.NaN, ...row.slice(1)),
      undefined,
      'input "houses", row 0, feature "MedInc": must be a finite FP32 number',
    ],
    [
      "an infinity",
      32,
      floats(...row.slice(1), Number.NEGATIVE_INFINITY),
      undefined,
      'input "houses", row 0, feature "Longitude": must be a finite FP32 number',
    ],
    [
      "a value out of bounds",
      32,
      floats(-0, ...row.slice(1)),
      undefined,
      'input "houses", row 0, feature "MedInc": Input should be greater than 0, found 0',
    ],
  ])("a binary tensor with %s gets 400", async (_, size, tensor, length, expected) => {
    const input = {
      ...table([]).inputs[0],
      data: undefined,
      parameters: { binary_data_size: size },
    };
    const { body, headers } = binaryRequest({ inputs: [input] }, tensor);
    const sent = length === undefined ? headers : { "inference-header-content-length": length };
    const { status, error } = await errorOf(appUnderTest(), body, sent);
    expect(status).toBe(400);
    expect(error).toContain(expected);
  });

  test("an invalid request does not fail the requests that arrive at the same time", async () => {
    const app = appUnderTest();
    const bodies = [
      table(row),
      table(row, [1, 7]),
      table(row),
      table([-1, ...row.slice(1)]),
      table(row),
    ];
    const responses = await Promise.all(bodies.map((body) => post(app, inferPath, body)));
    expect(responses.map(({ status }) => status)).toEqual([200, 400, 200, 400, 200]);
  });

  test.each(["/v2/models/nope/infer", `/v2/models/housing/versions/9/infer`])(
    "%s gets 404, because no such model or version is loaded",
    async (to) => {
      expect((await errorOf(appUnderTest(), table(row), {}, to)).status).toBe(404);
    },
  );
});
