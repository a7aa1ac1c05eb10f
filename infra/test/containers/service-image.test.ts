import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { version } from "../../../service/src/version.ts";
import { buildServiceImage, docker, dockerAnswers } from "../../../test/docker.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import {
  copyPythonModel,
  expectedOf,
  hasPythonModels,
  iris,
  wine,
} from "../../../test/python-models.ts";
import { waitOptions } from "../../../test/wait-options.ts";
import { ServiceImage } from "../../components/service-image.ts";
import { record } from "../recorded.ts";

const tag = "prediction-service:wine-test";
const test = testNeeding(dockerAnswers() && hasPythonModels);

const checkout = join(import.meta.dirname, "../../..");
const files = [
  ...[".dockerignore", "package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml"],
  ...["service/Dockerfile", "service/package.json", "service/src"],
];

const Image = z.object({ build: z.object({ args: z.record(z.string(), z.string()) }) });

describe("the image with another model", () => {
  beforeAll(async () => {
    const context = mkdtempSync(join(tmpdir(), "project "));
    try {
      for (const file of files) {
        cpSync(join(checkout, file), join(context, file), { recursive: true });
      }
      const folder = join(context, "model");
      mkdirSync(folder);
      copyPythonModel(wine, folder);
      copyPythonModel(iris, folder);
      const source = {
        context,
        dockerfile: "service/Dockerfile",
        model: `model/${wine.name}.onnx`,
      };
      const { resource } = await record(() => new ServiceImage("app", source));
      buildServiceImage(tag, Image.parse(resource("Image", "app").inputs).build.args, context);
    } finally {
      rmSync(context, { recursive: true });
    }
  });
  afterAll(() => void docker("image", "rm", "--force", tag));

  test("an image with another model predicts as Python's ONNX Runtime does", async () => {
    const id = docker("run", "--detach", "--read-only", "--publish=127.0.0.1::8000", tag);
    onTestFinished(() => void docker("rm", "--force", id));
    const { rows, predictions } = expectedOf(wine);
    const url = `http://${docker("port", id, "8000/tcp")}/bulk_predict`;
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ wines: rows });
    const response = await vi.waitFor(
      () => fetch(url, { method: "POST", headers, body }),
      waitOptions,
    );
    expect(await response.json()).toEqual({ predictions: predictions.flat() });
  });

  test("an image with another model contains only that model and its card", () => {
    const find = ["--entrypoint", "find", tag, "/app/model", "-type", "f"];
    expect(
      docker("run", "--rm", ...find)
        .split("\n")
        .toSorted(),
    ).toEqual([`/app/model/${wine.name}.json`, `/app/model/${wine.name}.onnx`]);
  });

  test("an image that the stack builds has the version of the service", () => {
    const label = '{{index .Config.Labels "org.opencontainers.image.version"}}';
    expect(docker("image", "inspect", "--format", label, tag)).toBe(version);
  });
});
