import { describe, expect, test } from "vitest";
import { ServiceImage } from "../components/service-image.ts";
import { promised, record } from "./recorded.ts";

const build = { context: "..", dockerfile: "service/Dockerfile" };

describe("without a registry", () => {
  const declare = () => new ServiceImage("app", { ...build, platform: "linux/arm64", nodeId: "n" });

  test("the image stays in the daemon of the node and is built anew on another", async () => {
    const { resource, result } = await record(declare);
    const { inputs, replacementTrigger } = resource("Image", "app");
    expect(inputs).toMatchObject({
      imageName: await promised(result.ref),
      build: { context: "..", dockerfile: "../service/Dockerfile", platform: "linux/arm64" },
      skipPush: true,
    });
    expect(replacementTrigger).toBe("n");
    expect(await promised(result.ref)).toMatch(/^app:[0-9a-f]{16}$/);
    expect(result.pullPolicy).toBe("Never");
  });
});

describe("with a registry", () => {
  const registry = "registry.example.com/team";
  const declare = () => new ServiceImage("app", { ...build, registry });

  test("the image is pushed, and pulled by its digest", async () => {
    const { resource, result } = await record(declare);
    const image = resource("Image", "app");
    expect(image.inputs).toMatchObject({
      imageName: expect.stringMatching(/^registry\.example\.com\/team\/app:[0-9a-f]{16}$/),
      skipPush: false,
    });
    expect(image.replacementTrigger).toBeUndefined();
    expect(result.pullPolicy).toBe("IfNotPresent");
    expect(await promised(result.ref)).toBe(`image@sha256:${"0".repeat(64)}`);
  });
});
