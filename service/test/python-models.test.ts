import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { z } from "zod";
import { testNeeding } from "../../test/prerequisite.ts";
import {
  copyWithCard,
  expectedOf,
  hasPythonModels,
  pythonModels,
} from "../../test/python-models.ts";
import { loadModel } from "../src/model/loaded-model.ts";
import { appUnderTest, post } from "./app-under-test.ts";
import {
  appOf,
  modelFiles,
  numbers,
  predictMany,
  predictOne,
  schemasOf,
  temporaryFolder,
} from "./model-under-test.ts";
import { startService } from "./service-process.ts";

const cardCommand = fileURLToPath(new URL("../../model/src/card.ts", import.meta.url));

const Entries = z.array(
  z.object({ model: z.string(), target: z.string(), refused: z.string().optional() }),
);
const entries = hasPythonModels
  ? Entries.parse(JSON.parse(readFileSync(join(pythonModels, "index.json"), "utf8")))
  : [{ model: "…", target: "", refused: undefined }];
const served = entries.filter(({ refused }) => refused === undefined);
const testWithModels = testNeeding(hasPythonModels);

/** Returns the rows and predictions of ONNX Runtime in Python. A list of one number is a number. */
function expectedRows(model: string) {
  const { rows, predictions } = expectedOf({ name: basename(model, ".onnx") });
  return { rows, predictions: predictions.map((row) => (row.length === 1 ? row[0] : row)) };
}

/** Copies the model, and writes its card with the card command. */
function withCard(model: string, target: string): string {
  const record = { singular: "record", plural: "records" };
  return copyWithCard({ name: basename(model, ".onnx"), record }, target, temporaryFolder());
}

testWithModels.for(served)(
  "$model gives the same predictions as in Python, bit for bit",
  async ({ model, target }) => {
    const { rows, predictions } = expectedRows(model);
    const app = await appOf(withCard(model, target));
    expect(await predictMany(app, rows)).toEqual(predictions);
    for (const [index, row] of rows.entries()) {
      expect(await predictOne(app, row)).toEqual(predictions[index]);
    }
    expect(await Promise.all(rows.map((row) => predictOne(app, row)))).toEqual(predictions);
  },
);

/** Why models are not compiled to WebAssembly. */
const notCompiled: Readonly<Record<string, RegExp>> = {
  "diabetes-network-double.onnx": /^input X is not a table of float32/,
  "diabetes-ridge.onnx": /^operator LinearRegressor is not compiled$/,
  "iris-probabilities.onnx": /^operator LinearClassifier is not compiled$/,
};

testWithModels.for(served)(
  "$model, if it has trees, gives the same predictions as in Python after it is compiled",
  async ({ model, target }) => {
    const loaded = await loadModel(withCard(model, target), 100);
    onTestFinished(() => loaded.reader.close());
    const reason = notCompiled[model];
    if (reason) await expect(loaded.compile()).rejects.toThrow(reason);
    else await loaded.compile();
    expect(loaded.engine.name).toBe(reason ? "onnxruntime" : "wasm");
    const app = appUnderTest({ model: loaded });
    const { rows, predictions } = expectedRows(model);
    expect(await predictMany(app, rows)).toEqual(predictions);
    for (const [index, row] of rows.entries()) {
      expect(await predictOne(app, row)).toEqual(predictions[index]);
    }
  },
);

/** The numbers of one explanation, as lists. */
const Numbers = z.union([z.array(z.number()), z.number().transform((number) => [number])]);
const Explanations = z.object({
  explanations: z.array(
    z.object({
      prediction: Numbers,
      margin: Numbers.optional(),
      baseline: Numbers,
      contributions: z.record(z.string(), Numbers),
    }),
  ),
});

testWithModels.for(served)(
  "the contributions of $model, if it has trees, add up to each prediction or its margin",
  async ({ model, target }) => {
    const { rows, predictions } = expectedRows(model);
    const app = await appOf(withCard(model, target));
    const response = await post(app, "/bulk_explain", { records: rows });
    const reason = notCompiled[model];
    if (reason) {
      expect(response.status).toBe(422);
      const { detail } = Object(await response.json());
      const [, why] = detail[0].msg.split("The model's predictions cannot be explained: ");
      expect(why).toMatch(reason);
      return;
    }
    const { explanations } = Explanations.parse(await response.json());
    expect(explanations).toHaveLength(rows.length);
    for (const [row, { prediction, margin, baseline, contributions }] of explanations.entries()) {
      expect(prediction).toEqual([predictions[row]].flat());
      expect(Object.keys(contributions)).toEqual(Object.keys(rows[row] ?? {}));
      for (const [output, expected] of (margin ?? prediction).entries()) {
        const parts = Object.values(contributions).map((each) => each[output] ?? 0);
        const total = parts.reduce((sum, part) => sum + part, baseline[output] ?? 0);
        expect(Math.abs(total - expected)).toBeLessThan(1e-4 * Math.max(1, Math.abs(expected)));
      }
    }
  },
);

testWithModels.for(served)(
  "the OpenAPI document describes the features of $model",
  async ({ model, target }) => {
    const app = await appOf(withCard(model, target));
    const { rows } = expectedRows(model);
    const schemas = await schemasOf(app);
    expect(Object.keys(schemas).filter((name) => name.includes("Record"))).toEqual([
      "Record",
      "BulkRecord",
      "RecordPrediction",
      "BulkRecordPrediction",
      "BulkRecordToExplain",
      "RecordExplanation",
      "BulkRecordExplanation",
    ]);
    expect(schemas).toMatchObject({ Record: { required: Object.keys(rows[0] ?? {}) } });
    expect(JSON.stringify(schemas)).not.toMatch(/house/i);
  },
);

testWithModels.for(served.filter(({ model }) => /flats|iris|…/.test(model)))(
  "the service process serves $model",
  async ({ model, target }) => {
    const { rows, predictions } = expectedRows(model);
    const service = startService({ MODEL_PATH: withCard(model, target) });
    const url = `http://127.0.0.1:${await service.port()}`;
    async function send(path: string, body: unknown): Promise<unknown> {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return response.json();
    }
    expect(await send("/bulk_predict", { records: rows })).toEqual({ predictions });
    expect(await send("/predict", rows[0])).toEqual({ prediction: predictions[0] });
    const { type, detail } = Object(await send("/predict", { nothing: 1 }));
    expect({ type, fields: detail.length }).toEqual({
      type: undefined,
      fields: Object.keys(rows[0] ?? {}).length + 1,
    });
  },
);

const refusals: Readonly<Record<string, RegExp>> = {
  "iris-zipmap.onnx":
    /output output_probability is a sequence or a map, not a tensor: export a classifier with zipmap=False$/m,
  "image.onnx": /input x has rank 4; a table has rows and columns, so its shape is \[N, k\]$/m,
  "one-row-only.onnx":
    /the first dimension of input x is fixed to 1: export the model with a dynamic batch size$/m,
};

testWithModels.for(entries.filter(({ model, refused }) => refused !== undefined || model === "…"))(
  "$model is rejected at startup, and the message says what to change",
  async ({ model, target }) => {
    const path = modelFiles(readFileSync(join(pythonModels, model)), {
      features: numbers("a", "b", "c", "d"),
    });
    const service = startService({ MODEL_PATH: path });
    expect(await service.exitStatus()).toBe(1);
    expect(service.stderr()).toMatch(/m\.onnx cannot be served: /);
    expect(service.stderr()).toMatch(refusals[model] ?? /^$/);

    const data = join(pythonModels, model.replace(".onnx", ".csv"));
    const args = [cardCommand, path, "--data", data, "--target", target, "--force"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(refusals[model] ?? /^$/);
  },
);
