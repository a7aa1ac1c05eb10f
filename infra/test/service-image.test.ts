import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ServiceImage, type ServiceImageArgs } from "../components/service-image.ts";
import { promised, record } from "./recorded.ts";

const source = { context: "..", dockerfile: "service/Dockerfile" };

const Inputs = z.object({
  imageName: z.string(),
  build: z.object({ args: z.record(z.string(), z.string()) }),
});

/** The image that is built. */
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
    expect((await built({})).build.args).toEqual({});
  });

  test.each(["build", "runtime"] as const)(
    "the %s image reaches the build and the tag",
    async (name) => {
      const before = await built({});
      const after = await built({ baseImages: { [name]: digest("1") } });
      const updated = await built({ baseImages: { [name]: digest("2") } });
      expect(Object.values(after.build.args)).toEqual([digest("1")]);
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

  test("every base image is a build argument that the Dockerfile knows, with a default", async () => {
    const { build } = await built({ baseImages: { build: digest("1"), runtime: digest("2") } });
    const path = join(import.meta.dirname, "../../service/Dockerfile");
    const dockerfile = readFileSync(path, "utf8");
    const defaults = Array.from(dockerfile.matchAll(/^ARG (\w+)=\S+:\S+$/gm), ([, name]) => name);
    expect(Object.keys(build.args)).toEqual(defaults);
    for (const name of defaults)
      expect(dockerfile).toMatch(new RegExp(`^FROM \\$\\{${name}\\}`, "m"));
  });
});
