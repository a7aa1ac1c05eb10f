import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { ApiServer, apiServerTest as test } from "./api-server.ts";
import { DeployedStack } from "./deployed-stack.ts";
import { devResult } from "./dev-result.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";
import { pathWithMinikube } from "./path-with-minikube.ts";
import { record } from "./recorded.ts";
import { cloud, dev, managedRedisUrl } from "./stack-config.ts";

const Rolled = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    template: z.looseObject({
      metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
    }),
  }),
});

const digest = `sha256:${"0".repeat(64)}`;

let server: ApiServer | undefined;
let folder = "";
let kubectl = "";
let api: KubernetesApi;
let stack: DeployedStack;

beforeAll(async () => {
  server = await ApiServer.start();
  if (server === undefined) return;
  ({ folder, kubectl, api } = server);
  stack = new DeployedStack(server);
});

afterAll(() => server?.stop());

const names = () => stack.objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
const inNamespace = (kind: string, name: string, apiVersion = "v1") =>
  api.get({ apiVersion, kind, metadata: { name, namespace: "w255" } });

const always = [
  "Deployment prediction-api",
  "HorizontalPodAutoscaler prediction-api",
  "Namespace w255",
  "NetworkPolicy deny-all",
  "NetworkPolicy prediction-api",
  "PodDisruptionBudget prediction-api",
  "Service prediction-service",
  "ServiceAccount prediction-api",
];

describe("on a real API server", () => {
  test("every resource passes strict validation without a warning, and every pod is admitted", async () => {
    expect(await stack.up(dev)).toEqual(devResult);
    const redis = ["Deployment redis", "NetworkPolicy redis", "Secret redis"];
    const access = ["Service redis-service", "ServiceAccount redis"];
    expect(names()).toEqual([...always, ...redis, ...access].sort());
  });

  test.for([
    ["without a change", () => {}],
    ["of a stack whose password is older than the RandomPassword", () => stack.forgetPasswords()],
  ] as const)("an update %s keeps the password and restarts no pod", async ([_, prepare]) => {
    const before = await inNamespace("Secret", "redis");
    prepare();
    expect((await stack.up(dev)).log).toBe("");
    expect(await inNamespace("Secret", "redis")).toEqual(before);
    for (const name of ["prediction-api", "redis"]) {
      expect(await inNamespace("Deployment", name, "apps/v1")).toMatchObject({
        metadata: { generation: 1 },
      });
    }
  });

  test("an update keeps the number of pods that the autoscaler chose", async () => {
    const path = "/apis/apps/v1/namespaces/w255/deployments/prediction-api/scale";
    const scale = { spec: { replicas: 3 } };
    await api.request("PATCH", path, scale, "application/merge-patch+json");
    expect((await stack.up(dev)).log).toBe("");
    expect((await api.request("GET", path)).body).toMatchObject(scale);
  });

  test("a changed configuration is applied", async () => {
    const config = {
      ...dev.config,
      "prediction-service:service": JSON.stringify({
        minReplicas: 1,
        maxReplicas: 9,
        targetCpu: "250m",
        env: { CACHE_TTL_SECONDS: 60, LOG_LEVEL: "debug", REQUEST_TIMEOUT_MS: 90_000 },
      }),
      "prediction-service:cache": JSON.stringify({ redisMaxMemory: "64Mi" }),
      "prediction-service:images": JSON.stringify({
        redis: `redis:7.4@${digest}`,
        busybox: `busybox@${digest}`,
      }),
    };
    expect((await stack.up({ config })).log).toBe("");
    const autoscaler = "autoscaling/v2";
    expect(
      await inNamespace("HorizontalPodAutoscaler", "prediction-api", autoscaler),
    ).toMatchObject({
      spec: {
        minReplicas: 1,
        maxReplicas: 9,
        metrics: [{ resource: { target: { type: "AverageValue", averageValue: "250m" } } }],
      },
    });
    const redis = { image: `redis:7.4@${digest}`, args: expect.arrayContaining(["64mb"]) };
    expect(await inNamespace("Deployment", "redis", "apps/v1")).toMatchObject({
      spec: { template: { spec: { containers: [redis] } } },
    });
    const env = expect.arrayContaining([
      { name: "CACHE_TTL_SECONDS", value: "60" },
      { name: "LOG_LEVEL", value: "debug" },
      { name: "REQUEST_TIMEOUT_MS", value: "90000" },
    ]);
    const busybox = { image: `busybox@${digest}` };
    expect(await inNamespace("Deployment", "prediction-api", "apps/v1")).toMatchObject({
      spec: { template: { spec: { containers: [{ env }], initContainers: [busybox, busybox] } } },
    });
  });

  test("switching to a managed Redis removes the Redis in the cluster", async () => {
    const { log, outputs } = await stack.up(cloud);
    expect(log).toBe("");
    expect(outputs).toMatchObject({ redisKind: "managed" });
    expect(names()).toEqual([...always, "Secret managed-redis"].sort());
    expect(await inNamespace("Deployment", "redis", "apps/v1")).toBeUndefined();
    expect(await inNamespace("Secret", "managed-redis")).toMatchObject({
      data: { url: Buffer.from(managedRedisUrl).toString("base64") },
    });
  });

  test("a replaced Secret restarts the pods", async () => {
    const { metadata } = Rolled.parse(await inNamespace("Deployment", "prediction-api", "apps/v1"));
    const config = { ...cloud.config, "prediction-service:redisUrl": "rediss://redis.example.com" };
    expect((await stack.up({ ...cloud, config })).log).toBe("");
    const after = Rolled.parse(await inNamespace("Deployment", "prediction-api", "apps/v1"));
    expect(after.metadata.generation).toBe(metadata.generation + 1);
    expect(await inNamespace("Secret", "managed-redis")).toMatchObject({
      metadata: { uid: after.spec.template.metadata.annotations["prediction-service/secret-uid"] },
    });
  });

  test("tokens in a Secret are mounted, and new ones replace them without restarting a pod", async () => {
    const deploy = (apiTokens: string) => {
      const config = { ...cloud.config, "prediction-service:apiTokens": apiTokens };
      return stack.up({ config, secretKeys: ["prediction-service:apiTokens"] });
    };
    const deployment = async () =>
      Rolled.parse(await inNamespace("Deployment", "prediction-api", "apps/v1"));
    expect((await deploy("first-token-for-tests")).log).toBe("");
    const before = await deployment();
    const secret = { name: "api-tokens", secret: { secretName: "api-tokens" } };
    expect(before).toMatchObject({ spec: { template: { spec: { volumes: [secret] } } } });

    expect((await deploy("second-token-for-tests")).log).toBe("");
    const data = { tokens: Buffer.from("second-token-for-tests").toString("base64") };
    expect(await inNamespace("Secret", "api-tokens")).toMatchObject({ data });
    expect((await deployment()).metadata.generation).toBe(before.metadata.generation);

    expect((await stack.up(cloud)).log).toBe("");
    expect(await inNamespace("Secret", "api-tokens")).toBeUndefined();
  });

  test("a misspelled field, a wrong type and a pod that is not restricted are refused", async () => {
    const metadata = { name: "wrong", namespace: "w255" };
    const service = { apiVersion: "v1", kind: "Service", metadata };
    await expect(api.apply({ ...service, spec: { prots: [] } })).rejects.toThrow("prots");
    await expect(api.apply({ ...service, spec: { ports: 80 } })).rejects.toThrow("ports");
    const containers = [{ name: "c", image: "redis:7.4" }];
    const pod = { serviceAccountName: "prediction-api", containers };
    const template = { metadata: { labels: { a: "b" } }, spec: pod };
    const spec = { selector: { matchLabels: { a: "b" } }, template };
    const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata, spec };
    await expect(api.apply(deployment)).rejects.toThrow("would violate PodSecurity");
    await expect(api.admit(deployment)).rejects.toThrow("violates PodSecurity");
    await api.delete(deployment);
  });

  test("destroying the stack leaves nothing behind", async () => {
    await stack.destroy();
    expect(names()).toEqual([]);
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "w255" } };
    expect(await api.get(namespace)).toBeUndefined();
  });
});

describe("KUBECONFIG", () => {
  const Provider = z.object({ kubeconfig: z.string().optional(), context: z.string() });

  /**
   * Asks the cluster as the provider does, which loads KUBECONFIG with the same library as kubectl.
   */
  async function namespaceSeenByProvider(kubeconfig: string): Promise<string> {
    vi.stubEnv("PATH", pathWithMinikube);
    vi.stubEnv("KUBECONFIG", kubeconfig);
    vi.resetModules();
    try {
      const { resource } = await record(() => import("../index.ts"), dev);
      const inputs = Provider.parse(resource("kubernetes", "kubernetes").inputs);
      const explicit = inputs.kubeconfig ? ["--kubeconfig", inputs.kubeconfig] : [];
      const ask = ["--context", inputs.context, "get", "namespace", "default", "--output", "name"];
      return execFileSync(kubectl, [...explicit, ...ask], { encoding: "utf8", stdio: "pipe" });
    } finally {
      vi.unstubAllEnvs();
    }
  }

  /** Writes a part of a kubeconfig; returns its path. */
  function file(name: string, content: object): string {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "Config", ...content }));
    return path;
  }

  const context = (cluster: string) => ({
    contexts: [{ name: "minikube", context: { cluster, user: "admin" } }],
  });

  test("the provider finds the cluster, the user and the context in three files of KUBECONFIG", async () => {
    const { clusters, users } = z
      .object({ clusters: z.unknown(), users: z.unknown() })
      .parse(parse(readFileSync(join(folder, "kubeconfig"), "utf8")));
    const files = [
      file("context", context("test")),
      file("clusters", { clusters }),
      file("users", { users }),
    ];
    expect(await namespaceSeenByProvider(files.join(":"))).toBe("namespace/default\n");
  });

  test("if KUBECONFIG lists several files, the first one wins and missing ones are ignored", async () => {
    const unreachable = [{ name: "other", cluster: { server: "https://127.0.0.1:1" } }];
    const files = [
      join(folder, "missing"),
      file("first", context("test")),
      join(folder, "kubeconfig"),
      file("last", { ...context("other"), clusters: unreachable, "current-context": "minikube" }),
    ];
    expect(await namespaceSeenByProvider(files.join(":"))).toBe("namespace/default\n");
    await expect(namespaceSeenByProvider(files.reverse().join(":"))).rejects.toThrow("127.0.0.1:1");
  });
});
