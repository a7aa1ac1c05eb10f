import { isSecret, type Output, RunError, runtime } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { readSettings } from "../config.ts";
import { promised } from "./recorded.ts";
import { cloud, dev } from "./stack-config.ts";

await runtime.setMocks(
  { newResource: ({ id, inputs }) => ({ id, state: inputs }), call: ({ inputs }) => inputs },
  "prediction-service",
);

function settings(config: Record<string, unknown>) {
  const entries = Object.entries(config).map(([key, value]) => [
    `prediction-service:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  runtime.setAllConfig({ "other:service": "x", ...Object.fromEntries(entries) });
  return readSettings();
}

/** What a secret output holds; undefined for one that is no secret. */
async function secret(output: Output<string> | undefined): Promise<string | undefined> {
  return output && (await isSecret(output)) ? promised(output) : undefined;
}

const found = (value: string, allowed: string) => `found ${value}; allowed: ${allowed}`;
const replicas = "an integer from 1 to 1000";
const redisUrl = "redis[s]://[user:password@]host[:port][/database], host a name or IPv4 address";

describe("a wrong setting is named as in the YAML, with what was found and what is allowed", () => {
  test.each([
    ["kubeContext", { kubeContext: "" }, '""', "the name of a kubeconfig context"],
    ["minikubeProfile", { minikubeProfile: "-p x" }, '"-p x"', "the name of a Minikube profile"],
    ["namespace", { namespace: "W_255" }, '"W_255"', "a DNS label"],
    ["service", { service: "2" }, '"2"', "a map of minReplicas, maxReplicas, resources"],
    ["service.maxReplicas", { service: { maxReplicas: 0 } }, "0", replicas],
    ["service.maxReplicas", { service: { maxReplicas: "3" } }, '"3"', replicas],
    ["service.minReplicas", { service: { minReplicas: 1.5 } }, "1.5", replicas],
    ["service.maxReplicas", { service: { minReplicas: 5 } }, "undefined", "minReplicas or more"],
    [
      "service.resources.limits.memory",
      { service: { resources: { limits: { memory: "512" } } } },
      '"512"',
      "memory such as 256Mi or 1Gi",
    ],
    [
      "service.resources.requests.cpu",
      { service: { resources: { requests: { cpu: "fast" } } } },
      '"fast"',
      "CPU cores such as 250m or 1",
    ],
    ["cache.ttlSeconds", { cache: { ttlSeconds: 0 } }, "0", "seconds from 1 to 31536000"],
    ["cache.memoryBytes", { cache: { memoryBytes: -1 } }, "-1", "bytes from 0 to 1000000000"],
    [
      "cache.redisMaxMemory",
      { cache: { redisMaxMemory: "1g" } },
      '"1g"',
      "mebibytes such as 128Mi",
    ],
    [
      "registry",
      { registry: "https://registry.example.com" },
      '"https://registry.example.com"',
      "a registry's host and path such as registry.example.com/team",
    ],
    ["loadBalancer.await", { loadBalancer: { await: "no" } }, '"no"', "true or false"],
    ["redisUrl", { redisUrl: "http://secret@redis.example.com" }, "a secret", redisUrl],
    ["redisUrl", { redisUrl: "redis://u:secret@[::1]:6379" }, "a secret", redisUrl],
    [
      "redisUrl",
      { redisUrl: "redis://u:gehe%C3%AFm@redis.example.com" },
      "a secret",
      "a URL whose user and password are of printable ASCII",
    ],
  ])("%s in %j", (name, config, value, allowed) => {
    expect(() => settings(config)).toThrow(
      new RunError(`prediction-service:${name}: ${found(value, allowed)}`),
    );
  });

  test("a name that is none, whose value may be a secret", () => {
    expect(() => settings({ redisURL: "redis://:secret@x", cache: { ttl: 1 } })).toThrow(
      new RunError(
        "prediction-service:cache.ttl: found an unknown name;" +
          " allowed: a map of ttlSeconds, memoryBytes, redisMaxMemory\n" +
          "prediction-service:redisURL: found an unknown name; allowed: a map of kubeContext," +
          " minikubeProfile, namespace, service, cache, registry, redisUrl, loadBalancer",
      ),
    );
  });

  test("all at once", () => {
    expect(() => settings({ namespace: "_", service: { minReplicas: 0 } })).toThrow(
      /^prediction-service:namespace: .*\nprediction-service:service\.minReplicas: .*$/,
    );
  });
});

test("without any setting the stack is Minikube's", () => {
  expect(settings({})).toEqual({
    kubeContext: "minikube",
    namespace: "w255",
    service: {
      minReplicas: 2,
      maxReplicas: 4,
      resources: {
        requests: { cpu: "250m", memory: "256Mi" },
        limits: { cpu: "1", memory: "512Mi" },
      },
    },
    cache: { ttlSeconds: 3600, memoryBytes: 67_108_864, redisMaxMemory: 128 },
    loadBalancer: { await: false },
  });
});

test("the committed stack says what the defaults are", () => {
  const defaults = settings({});
  runtime.setAllConfig(dev.config);
  expect(readSettings()).toEqual(defaults);
});

describe("the URL of a managed Redis", () => {
  const url = (redisUrl: string) => settings({ redisUrl }).redisUrl;

  test.each([
    ["rediss://u:p@redis.example.com:6380/2", "redis.example.com", 6380, true, "u", "p"],
    ["redis://192.0.2.7", "192.0.2.7", 6379, false, "default", ""],
    ["redis://:p%2B%20w@cache", "cache", 6379, false, "default", "p+ w"],
  ])("%s", async (text, host, port, tls, username, password) => {
    const parsed = url(text);
    expect(parsed).toMatchObject({ host, port, tls });
    expect(await secret(parsed?.url)).toBe(text);
    expect(await secret(parsed?.username)).toBe(username);
    expect(await secret(parsed?.password)).toBe(password);
  });
});

test("the example of another cluster is one", () => {
  runtime.setAllConfig(cloud.config, cloud.secretKeys);
  expect(readSettings()).toMatchObject({
    registry: "registry.example.com/predictions",
    redisUrl: { host: "redis.example.com", tls: true },
    loadBalancer: { await: true },
  });
});
