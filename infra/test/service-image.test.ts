import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { ServiceImage, type ServiceImageArgs } from "../components/service-image.ts";
import { promised, record } from "./recorded.ts";

const model = "model/california-housing.onnx";
const source = { context: "..", dockerfile: "service/Dockerfile", model };

const read = (path: string) => readFileSync(join(import.meta.dirname, "../..", path), "utf8");

const Inputs = z.object({
  imageName: z.string(),
  build: z.object({ args: z.record(z.string(), z.string()) }),
});

/** Returns the image that is built. */
async function built(args: Partial<ServiceImageArgs>) {
  const { resource } = await record(() => new ServiceImage("app", { ...source, ...args }));
  return Inputs.parse(resource("Image", "app").inputs);
}

test("without a registry, the image stays in the node's daemon", async () => {
  const { resource, result } = await record(
    () => new ServiceImage("app", { ...source, platform: "linux/arm64", nodeId: "n" }),
  );
  const { inputs, replacementTrigger } = resource("Image", "app");
  expect(inputs).toMatchObject({
    imageName: await promised(result.ref),
    build: { context: "..", dockerfile: "../service/Dockerfile", platform: "linux/arm64" },
    skipPush: true,
  });
  // Another node has another daemon, where the image does not exist yet.
  expect(replacementTrigger).toBe("n");
  expect(await promised(result.ref)).toMatch(/^app:[0-9a-f]{16}$/);
  expect(result.pullPolicy).toBe("Never");
});

test("with a registry, the image is pushed, and pulled by its digest", async () => {
  const registry = "registry.example.com/team";
  const { resource, result } = await record(() => new ServiceImage("app", { ...source, registry }));
  const image = resource("Image", "app");
  expect(image.inputs).toMatchObject({
    imageName: expect.stringMatching(/^registry\.example\.com\/team\/app:[0-9a-f]{16}$/),
    skipPush: false,
  });
  expect(image.replacementTrigger).toBeUndefined();
  expect(result.pullPolicy).toBe("IfNotPresent");
  expect(await promised(result.ref)).toBe(`image@sha256:${"0".repeat(64)}`);
});

describe("base images", () => {
  const digest = (digit: string) => `debian@sha256:${digit.repeat(64)}`;

  test("by default, the base images are those in the Dockerfile", async () => {
    expect(Object.keys((await built({})).build.args)).toEqual(["MODEL", "VERSION"]);
  });

  test.each(["build", "runtime"] as const)(
    "the %s image reaches the build and the tag",
    async (name) => {
      const before = await built({});
      const after = await built({ baseImages: { [name]: digest("1") } });
      const updated = await built({ baseImages: { [name]: digest("2") } });
      expect(Object.values(after.build.args)).toContain(digest("1"));
      expect(new Set([before, after, updated].map(({ imageName }) => imageName)).size).toBe(3);
      expect(await built({ baseImages: { [name]: digest("1") } })).toEqual(after);
    },
  );

  test("swapping the build and the runtime image changes the tag", async () => {
    const [one, two] = [digest("1"), digest("2")];
    const { imageName } = await built({ baseImages: { build: one, runtime: two } });
    expect((await built({ baseImages: { build: two, runtime: one } })).imageName).not.toBe(
      imageName,
    );
  });

  test("every base image is a build argument that the Dockerfile declares, with a default", async () => {
    const { build } = await built({ baseImages: { build: digest("1"), runtime: digest("2") } });
    const dockerfile = read("service/Dockerfile");
    const defaults = Array.from(dockerfile.matchAll(/^ARG (\w+_IMAGE)=\S+$/gm), ([, name]) => name);
    expect(Object.keys(build.args)).toEqual(expect.arrayContaining(defaults));
    expect(defaults).toHaveLength(2);
    for (const name of defaults)
      expect(dockerfile).toMatch(new RegExp(`^FROM \\$\\{${name}\\}`, "m"));
  });
});

describe("the model", () => {
  /** Creates a folder with two models and their cards. */
  function twoModels(): string {
    const folder = mkdtempSync(join(tmpdir(), "context-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, "model"));
    for (const name of ["wine.onnx", "wine.json", "iris.onnx", "iris.json"]) {
      writeFileSync(join(folder, "model", name), name);
    }
    writeFileSync(join(folder, "Dockerfile"), "");
    writeFileSync(join(folder, ".dockerignore"), "*\n!model/*.json\n!model/*.onnx\n");
    return folder;
  }
  const wine = (context: string) =>
    built({ context, dockerfile: "Dockerfile", model: "model/wine.onnx" });

  test("the build gets the name of the model", async () => {
    expect((await wine(twoModels())).build.args).toHaveProperty("MODEL", "wine");
  });

  test("the name of the model changes the tag", async () => {
    const context = twoModels();
    const { imageName } = await wine(context);
    const iris = await built({ context, dockerfile: "Dockerfile", model: "model/iris.onnx" });
    expect(iris.imageName).not.toBe(imageName);
  });

  test.each(["wine.onnx", "wine.json"])("a change to %s changes the tag", async (name) => {
    const context = twoModels();
    const { imageName } = await wine(context);
    appendFileSync(join(context, "model", name), " ");
    expect((await wine(context)).imageName).not.toBe(imageName);
  });

  test("other models are in the build, and a change to one of them changes the tag", async () => {
    const context = twoModels();
    const both = () =>
      built({
        ...{ context, dockerfile: "Dockerfile" },
        ...{ model: "model/wine.onnx", otherModels: ["model/iris.onnx"] },
      });
    const { imageName, build } = await both();
    expect(build.args).toMatchObject({ MODEL: "wine", OTHER_MODELS: "iris" });
    expect(imageName).not.toBe((await wine(context)).imageName);
    appendFileSync(join(context, "model/iris.json"), " ");
    expect((await both()).imageName).not.toBe(imageName);
  });

  test("a change to another model does not change the tag", async () => {
    const context = twoModels();
    const { imageName } = await wine(context);
    for (const name of ["iris.onnx", "iris.json"]) {
      appendFileSync(join(context, "model", name), " ");
    }
    expect((await wine(context)).imageName).toBe(imageName);
  });
});

test("the build gets the version of the service", async () => {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(read("service/package.json")));
  expect((await built({})).build.args).toHaveProperty("VERSION", version);
});

test("every build argument is declared in the Dockerfile, with a default", async () => {
  const baseImages = { build: "node:24.1", runtime: "debian:12.1" };
  const otherModels = ["model/california-housing.onnx"];
  const { args } = (await built({ baseImages, otherModels })).build;
  const declared = Array.from(read("service/Dockerfile").matchAll(/^ARG (\w+)=\S*$/gm));
  expect(Object.keys(args).toSorted()).toEqual(declared.map(([, name]) => name).toSorted());
});

test("the build context contains what the Dockerfile copies, for any model, and nothing else", () => {
  const copied = Array.from(
    read("service/Dockerfile").matchAll(/^COPY (?!--from)(.*) \S+$/gm),
  ).flatMap(([, sources = ""]) => sources.split(" "));
  const [, ...allowed] = read(".dockerignore").trim().split("\n").slice(1);
  expect(allowed.toSorted()).toEqual(
    ["service/Dockerfile", ...copied].map((path) => `!${path}`).toSorted(),
  );
});
