import { expect, test, vi } from "vitest";
import { z } from "zod";
import { waitOptions } from "../../../test/wait-options.ts";
import { startService } from "../service-process.ts";
import { digest, folderWith, identity, inferenceOf, negation, writeModel } from "./model-files.ts";
import { binaryRequest } from "./protocol.ts";

/** `VERSION_CHANGE_SECONDS=60` runs the test longer. */
const { VERSION_CHANGE_SECONDS = "3" } = process.env;
const seconds = Number(VERSION_CHANGE_SECONDS);

/** What each version predicts from a number. */
const predictions = new Map([
  [digest(identity), (value: number) => value],
  [digest(negation), (value: number) => -value],
]);

const Inference = z.object({
  model_version: z.string(),
  outputs: z.tuple([z.object({ data: z.tuple([z.number()]).optional() })]),
});

const binaryInput = {
  name: "x",
  datatype: "FP32",
  shape: [1, 1],
  parameters: { binary_data_size: 4 },
};

/** Sends a request, and returns the version and the number of its response. */
type Ask = (url: string, value: number) => Promise<{ version: string; number: number | undefined }>;

async function post(url: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: "POST", body, headers });
  expect(response.status).toBe(200);
  return response;
}

const asks: Readonly<Record<string, Ask>> = {
  async predict(url, value) {
    const headers = { "content-type": "application/json" };
    const response = await post(`${url}/predict`, JSON.stringify({ a: value }), headers);
    const { prediction } = z.object({ prediction: z.number() }).parse(await response.json());
    return { version: response.headers.get("x-model-version") ?? "", number: prediction };
  },
  async json(url, value) {
    const response = await post(`${url}/v2/models/m/infer`, JSON.stringify(inferenceOf(value)));
    const { model_version: version, outputs } = Inference.parse(await response.json());
    expect(response.headers.get("x-model-version")).toBe(version);
    return { version, number: outputs[0].data?.[0] };
  },
  async binary(url, value) {
    const { body, headers } = binaryRequest(
      { parameters: { binary_data_output: true }, inputs: [binaryInput] },
      Buffer.from(Float32Array.of(value).buffer),
    );
    const response = await post(`${url}/v2/models/m/infer`, body, headers);
    const bytes = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get("inference-header-content-length"));
    const json = Inference.parse(JSON.parse(bytes.subarray(0, length).toString()));
    return { version: json.model_version, number: bytes.readFloatLE(length) };
  },
};

test("while versions change, no request is lost, and the version always matches the number", {
  timeout: seconds * 1000 + 300_000,
}, async () => {
  const folder = folderWith("m");
  const service = startService({ MODEL_PATH: folder, MODEL_CONTROL: "explicit" });
  const url = `http://127.0.0.1:${await service.port()}`;
  const end = performance.now() + seconds * 1000;
  const answered = new Map<string, number>();
  let changes = 0;
  // On a slow machine, until both versions have answered requests of each kind.
  const isOver = () => performance.now() > end && changes > 2 && answered.size === 6;

  async function client(kind: string, ask: Ask, first: number): Promise<void> {
    // Numbers are repeated, so that some are found in the cache.
    for (let value = first; !isOver(); value = first + ((value - first + 1) % 1000)) {
      const { version, number } = await ask(url, value);
      expect(number).toBe(predictions.get(version)?.(value));
      const key = `${kind} ${version}`;
      answered.set(key, (answered.get(key) ?? 0) + 1);
    }
  }

  async function changeVersions(): Promise<void> {
    while (!isOver()) {
      writeModel(folder, "m", changes % 2 === 0 ? negation : identity);
      await post(`${url}/v2/repository/models/m/load`, "{}");
      changes++;
    }
  }

  const clients = Object.entries(asks).flatMap(([kind, ask]) =>
    [1, 1000, 1].map((first) => client(kind, ask, first)),
  );
  await Promise.all([changeVersions(), ...clients]);
  const loads = () => service.log.filter(({ msg }) => msg === "model loaded");
  await vi.waitUntil(() => loads().length === changes, waitOptions);
  expect(service.log.filter(({ msg }) => /not (loaded|released)|failed/.test(msg))).toEqual([]);
});
