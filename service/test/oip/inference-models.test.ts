import { describe, expect, test } from "vitest";
import { mixedModel, operatorModel } from "../../../model/test/small-models.ts";
import { post } from "../app-under-test.ts";
import { appOfModel } from "../model-under-test.ts";
import { binaryRequest, errorOf, floats, infer } from "./protocol.ts";

describe("a model with an input for each type of feature", () => {
  const onnx = mixedModel(
    [
      { name: "float32", type: "float32" },
      { name: "int64", type: "int64" },
      { name: "bool", type: "bool" },
      { name: "text", type: "string" },
    ],
    { Süd: 10, Nord: 20 },
  );
  const features = [
    {
      name: "district",
      input: "text",
      type: "category",
      categories: ["Süd", "Nord"],
      example: "Süd",
    },
    { name: "lift", input: "bool", type: "boolean", example: true },
    { name: "rooms", input: "int64", type: "integer", ge: 1, le: 9, example: 1 },
    { name: "float32", lt: 1000, example: 1 },
  ];
  const to = "/v2/models/housing/infer";
  const input = (name: string, datatype: string, data: unknown[]) => ({
    name,
    datatype,
    shape: [data.length, 1],
    data,
  });
  const valid = [
    input("text", "BYTES", ["Nord", "Süd"]),
    input("bool", "BOOL", [true, false]),
    input("int64", "INT64", [3, 9]),
    input("float32", "FP32", [0.5, -1.5]),
  ];
  const withInput = (changed: ReturnType<typeof input>) => ({
    inputs: valid.map((each) => (each.name === changed.name ? changed : each)),
  });
  const expected = [0.5, 3, 1, 20, -1.5, 9, 0, 10];

  test("the metadata describe each input and the output", async () => {
    const app = await appOfModel(onnx, { features });
    const { inputs, outputs } = Object(await (await app.request("/v2/models/housing")).json());
    expect(inputs).toEqual([
      { name: "text", datatype: "BYTES", shape: [-1, 1] },
      { name: "bool", datatype: "BOOL", shape: [-1, 1] },
      { name: "int64", datatype: "INT64", shape: [-1, 1] },
      { name: "float32", datatype: "FP32", shape: [-1, 1] },
    ]);
    expect(outputs).toEqual([{ name: "all", datatype: "FP32", shape: [-1, 4] }]);
  });

  test("each type of feature can be sent as its own datatype", async () => {
    const app = await appOfModel(onnx, { features });
    const { outputs } = await infer(app, { inputs: valid }, {}, to);
    expect(outputs).toEqual([{ name: "all", datatype: "FP32", shape: [2, 4], data: expected }]);
  });

  test("each type of feature can be sent as binary", async () => {
    const app = await appOfModel(onnx, { features });
    const text = (value: string) => {
      const bytes = Buffer.from(value);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const tensors = [
      Buffer.concat([text("Nord"), text("Süd")]),
      Buffer.from([1, 0]),
      Buffer.from(BigInt64Array.of(3n, 9n).buffer),
      floats(0.5, -1.5),
    ];
    const inputs = valid.map(({ data, ...rest }, index) => ({
      ...rest,
      parameters: { binary_data_size: tensors[index]?.length },
    }));
    const { body, headers } = binaryRequest({ inputs }, ...tensors);
    expect((await infer(app, body, headers, to)).outputs[0]?.data).toEqual(expected);

    const cut = binaryRequest(
      { inputs },
      ...tensors.with(0, Buffer.concat([text("Nord"), Buffer.alloc(8, 255)])),
    );
    expect(await errorOf(app, cut.body, cut.headers, to)).toEqual({
      status: 400,
      error: 'the strings of input "text" do not fill binary_data_size',
    });
  });

  test.each(["FP32", "FP64", "INT64", "INT32"])(
    "booleans and the indices of categories can be sent as %s",
    async (datatype) => {
      const app = await appOfModel(onnx, { features });
      const inputs = [
        input("text", datatype, [1, 0]),
        input("bool", datatype, [1, 0]),
        input("int64", datatype, [3, 9]),
        ...valid.slice(3),
      ];
      expect((await infer(app, { inputs }, {}, to)).outputs[0]?.data).toEqual(expected);
    },
  );

  test.each<[ReturnType<typeof input>, string]>([
    [
      input("text", "BYTES", ["Nord", "Ost"]),
      `input "text", row 1, feature "district": Input should be 'Süd' or 'Nord'`,
    ],
    [
      input("text", "BYTES", ["Nord", 1]),
      'input "text", row 1, feature "district": must be a string',
    ],
    [
      input("text", "INT64", [0, 2]),
      'input "text", row 1, feature "district": must be the index of a category, from 0 to 1, found 2',
    ],
    [
      input("text", "FP32", [0.5, 1]),
      'input "text", row 0, feature "district": must be the index of a category, from 0 to 1, found 0.5',
    ],
    [input("bool", "BOOL", [1, 0]), 'input "bool", row 0, feature "lift": must be true or false'],
    [
      input("bool", "INT32", [0, 2]),
      'input "bool", row 1, feature "lift": Input should be a valid boolean, unable to interpret input, found 2',
    ],
    [
      input("bool", "BYTES", ["true", "x"]),
      'input "bool" is BYTES; feature "lift" can be BOOL, FP32, FP64, INT64, INT32',
    ],
    [
      input("int64", "INT64", [1.5, 1]),
      'input "int64", row 0, feature "rooms": Input should be a valid integer, got a number with a fractional part, found 1.5',
    ],
    [
      input("int64", "INT64", [1, 10]),
      'input "int64", row 1, feature "rooms": Input should be less than or equal to 9, found 10',
    ],
    [
      input("float32", "INT32", [16_777_217, 1]),
      'input "float32", row 0, feature "float32": Input should be less than 1000, found 16777217',
    ],
    [
      input("float32", "FP32", [999.99999999999, 1000.0000000001]),
      'input "float32", row 1, feature "float32": Input should be less than 1000, found 1000.0000000001',
    ],
  ])("the invalid input %j gets 400: %s", async (changed, error) => {
    const app = await appOfModel(onnx, { features });
    expect(await errorOf(app, withInput(changed), {}, to)).toEqual({ status: 400, error });
  });
});

describe("the number type of an output", () => {
  const features = [{ name: "a", type: "integer", example: 1 }];
  const to = "/v2/models/housing/infer";

  test.each([
    ["float64", "FP32"],
    ["int64", "INT64"],
    ["int32", "INT32"],
  ] as const)(
    "an output of type %s is served as %s, in JSON and as bytes",
    async (type, datatype) => {
      const app = await appOfModel(operatorModel("Identity", { type }), { features });
      const body = { inputs: [{ name: "x", datatype: "INT32", shape: [2, 1], data: [7, -3] }] };
      expect((await infer(app, body, {}, to)).outputs).toEqual([
        { name: "y", datatype, shape: [2, 1], data: [7, -3] },
      ]);
      const response = await post(app, to, { parameters: { binary_data_output: true }, ...body });
      const bytes = Buffer.from(await response.arrayBuffer());
      const length = Number(response.headers.get("inference-header-content-length"));
      const { buffer } = new Uint8Array(bytes.subarray(length));
      const arrays = { FP32: Float32Array, INT32: Int32Array };
      expect(
        datatype === "INT64"
          ? Array.from(new BigInt64Array(buffer), Number)
          : Array.from(new arrays[datatype](buffer)),
      ).toEqual([7, -3]);
    },
  );

  test.each([
    [16_777_216, 200],
    [16_777_217, 400],
    [2 ** 53, 400],
  ])("an integer must be exact in float32: %d gets %d", async (value, status) => {
    const app = await appOfModel(operatorModel("Identity"), {
      features: [{ name: "a", example: 1 }],
    });
    for (const datatype of ["INT64", "FP64"]) {
      const body = { inputs: [{ name: "x", datatype, shape: [1, 1], data: [value] }] };
      const response = await post(app, to, body);
      expect(response.status).toBe(datatype === "INT64" ? status : 200);
    }
  });

  test("infinities and NaN are null in JSON, and NaN in bytes", async () => {
    const app = await appOfModel(operatorModel("Log"), { features: [{ name: "a", example: 1 }] });
    const body = { inputs: [{ name: "x", datatype: "FP32", shape: [2, 1], data: [0, -1] }] };
    expect((await infer(app, body, {}, to)).outputs[0]?.data).toEqual([null, null]);
    const binary = await infer(app, { parameters: { binary_data_output: true }, ...body }, {}, to);
    expect(binary.outputs[0]?.data).toEqual([Number.NaN, Number.NaN]);
  });
});
