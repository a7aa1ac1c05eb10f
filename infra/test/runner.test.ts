import { describe, expect, test } from "vitest";
import { devResult } from "./dev-result.ts";
import { pathWithMinikube } from "./path-with-minikube.ts";
import { runProgram } from "./pulumi-runner.ts";
import { cloud, dev, type StackConfig } from "./stack-config.ts";

/** What Pulumi sends for a value that is unknown in a preview. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Runs the program with Pulumi's runner and an engine that builds and deploys nothing. */
function preview(stack: StackConfig, environment: Record<string, string> = {}) {
  return runProgram({
    stack,
    isPreview: true,
    environment: { PATH: pathWithMinikube, ...environment },
    engine: {
      create: async ({ inputs }) => inputs,
      read: async (_type, name) => ({
        metadata: { name, uid: "some-uid" },
        status: { nodeInfo: { architecture: "amd64" } },
      }),
    },
  });
}

describe("preview", () => {
  test("a preview of a new stack on Minikube succeeds, and all outputs are known", async () => {
    expect(await preview(dev)).toEqual(devResult);
  });

  test("a preview of a new stack on another cluster succeeds, without the digest of the image", async () => {
    const { exitCode, log, outputs } = await preview(cloud);
    expect({ exitCode, log }).toEqual({ exitCode: 0, log: "" });
    expect(outputs).toMatchObject({ namespace: "w255", redisKind: "managed" });
    expect(outputs).toHaveProperty("imageRef", unknownValue);
  });
});

describe("errors", () => {
  test("the program ends with an error that names all invalid settings and shows no secret", async () => {
    const config = {
      ...dev.config,
      "prediction-service:namespace": "_",
      "prediction-service:redisUrl": "rediss://user:s3cret@redis.example.com?ssl_cert_reqs=none",
      "prediction-service:service": JSON.stringify({ env: { DRAIN_SECONDS: "soon" } }),
      "prediction-service:x": "",
    };
    const secretKeys = ["prediction-service:redisUrl"];
    const { exitCode, log } = await preview({ config, secretKeys });
    expect(exitCode).toBe(32);
    expect(log.trimEnd().split("\n")).toEqual([
      'prediction-service:namespace: found "_"; allowed: a DNS label',
      'prediction-service:service.env.DRAIN_SECONDS: found "soon"; allowed: seconds from 0 to 3600',
      "prediction-service:redisUrl: found an invalid query; allowed: none",
      expect.stringMatching(/^prediction-service:x: found an unknown name; /),
    ]);
  });

  test("the program ends with an error that says how to start a stopped Minikube", async () => {
    const { exitCode, log } = await preview(dev, { MINIKUBE_STATUS: "85" });
    expect(exitCode).toBe(32);
    expect(log).toMatch(/^Minikube's Docker daemon .* minikube start -p minikube\nX Exiting .*\n$/);
  });
});
