import { basename, dirname } from "node:path";
import { output, secret } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readConfig, settingNames } from "../../service/src/config.ts";
import {
  apiSelectorLabels,
  PredictionApi,
  type PredictionApiArgs,
} from "../components/prediction-api.ts";
import type { Redis } from "../components/redis.ts";
import { verifyRedisDns, verifyRedisReady } from "../components/redis-checks.ts";
import { record } from "./recorded.ts";

const redis: Redis = {
  kind: "in-cluster",
  host: "redis.test",
  port: 6379,
  tls: false,
  secretUid: output("uid-of-the-secret"),
  credentials: [{ name: "REDIS_USERNAME", value: "someone" }],
  urlEnvironment: [{ name: "REDIS_URL", value: "redis://redis.test" }],
  egress: { ports: [{ port: 6379 }] },
};

const args: PredictionApiArgs = {
  namespace: "w255",
  image: { ref: output("prediction-service:0123456789abcdef"), pullPolicy: "Never" },
  redis,
  resources: {
    requests: { cpu: "100m", memory: "256Mi" },
    limits: { cpu: "1", memory: "512Mi" },
  },
  env: {},
  busyboxImage: "busybox:test",
  minReplicas: 2,
  maxReplicas: 5,
  targetCpu: "400m",
  scrapeAnnotations: false,
  awaitLoadBalancer: false,
};

const declare = (changes: Partial<PredictionApiArgs> = {}) =>
  record(() => new PredictionApi("prediction-api", { ...args, ...changes }));

const Probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number(),
  failureThreshold: z.number(),
  terminationGracePeriodSeconds: z.number().optional(),
});

const Port = z.object({ name: z.string(), containerPort: z.number() });

const Container = z.object({
  name: z.string(),
  image: z.string(),
  imagePullPolicy: z.string(),
  ports: z.tuple([Port]),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
  resources: z.unknown(),
  volumeMounts: z.array(z.unknown()),
  startupProbe: Probe,
  readinessProbe: Probe,
  livenessProbe: Probe,
});

const InitContainer = z.object({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string() })),
});

const PodSpec = z.object({
  terminationGracePeriodSeconds: z.number(),
  initContainers: z.array(InitContainer),
  containers: z.tuple([Container]),
  volumes: z.array(z.unknown()),
});

const Deployment = z.object({ spec: z.object({ template: z.object({ spec: PodSpec }) }) });

/** Returns the pods that the API's Deployment creates. */
async function podOf(changes: Partial<PredictionApiArgs> = {}) {
  const { resource } = await declare(changes);
  const { spec } = Deployment.parse(resource("Deployment", "prediction-api").inputs).spec.template;
  const [container] = spec.containers;
  const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
  return { ...spec, container, environment, config: readConfig(environment) };
}

const selector = { matchLabels: apiSelectorLabels };
const seconds = ({ periodSeconds, failureThreshold }: z.infer<typeof Probe>) =>
  periodSeconds * failureThreshold;

describe("service.env", () => {
  test("by default, the stack sets only the settings that a cluster needs", async () => {
    const { environment, config } = await podOf();
    const fromStack = { HOST: "0.0.0.0", REDIS_URL: "redis://redis.test" };
    expect(config).toEqual({
      ...readConfig({}),
      ...fromStack,
      PORT: config.PORT,
      DRAIN_SECONDS: config.DRAIN_SECONDS,
    });
    expect(Object.keys(environment).sort()).toEqual(["DRAIN_SECONDS", "HOST", "PORT", "REDIS_URL"]);
    expect(config.DRAIN_SECONDS).toBeGreaterThan(0);
  });

  const special = ["HOST", "PORT", "REDIS_URL", "API_TOKENS_FILE", "API_TOKENS_FOR"];
  const settable = settingNames.filter((name) => !special.includes(name));

  test.each(settable)("the setting %s can be set from the stack", async (name) => {
    const before = (await podOf()).config[name];
    const texts: Record<string, string> = {
      CACHE_REDIS_PREDICT: "never",
      INFERENCE_ENGINE: "onnxruntime",
      LOG_LEVEL: "debug",
      MODEL_CONTROL: "explicit",
      MODEL_DEFAULT: "other",
      MODEL_PATH: "/other.onnx",
    };
    const value = texts[name] ?? String(Number(before) + 1);
    const { environment, config } = await podOf({ env: { [name]: value } });
    expect(environment[name]).toBe(value);
    expect(String(config[name])).toBe(value);
    expect(config[name]).not.toBe(before);
  });
});

test("a pod whose image has several models serves all of them, and one of them at /predict", async () => {
  const { environment } = await podOf({ defaultModel: "wine" });
  expect(environment).toMatchObject({ MODEL_PATH: "/app/model", MODEL_DEFAULT: "wine" });
});

test.each([
  {},
  { DRAIN_SECONDS: "60" },
  { REQUEST_TIMEOUT_MS: "120500" },
  { CACHE_TIMEOUT_MS: "60000" },
  { DRAIN_SECONDS: "0", REQUEST_TIMEOUT_MS: "1", CACHE_TIMEOUT_MS: "1" },
])("a pod has time to drain, to finish its requests and to stop: %j", async (env) => {
  const { terminationGracePeriodSeconds, config } = await podOf({ env });
  const stopMs = config.DRAIN_SECONDS * 1000 + config.REQUEST_TIMEOUT_MS + config.CACHE_TIMEOUT_MS;
  expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(stopMs);
});

test("the container runs the given image with the given resources", async () => {
  const { container, config } = await podOf();
  expect(container).toMatchObject({
    image: "prediction-service:0123456789abcdef",
    imagePullPolicy: "Never",
    ports: [{ containerPort: config.PORT }],
    resources: args.resources,
  });
});

describe("apiTokens", () => {
  const changes = { apiTokens: secret("one-token-for-tests\n"), env: { API_TOKENS_FOR: "docs" } };

  test("the service reads the tokens from a mounted Secret, and no variable contains them", async () => {
    const { container, config, volumes } = await podOf(changes);
    expect(config).toMatchObject({ API_TOKENS_FOR: ["docs"] });
    const { API_TOKENS_FILE = "" } = config;
    const mount = { name: "api-tokens", mountPath: dirname(API_TOKENS_FILE), readOnly: true };
    expect(container.volumeMounts).toEqual([mount]);
    expect(volumes).toEqual([
      { name: "api-tokens", secret: { secretName: "api-tokens", defaultMode: 0o440 } },
    ]);
    const { resource } = await declare(changes);
    const { inputs, secrets } = resource("Secret", "prediction-api-tokens");
    expect(inputs).toMatchObject({
      data: { [basename(API_TOKENS_FILE)]: "b25lLXRva2VuLWZvci10ZXN0cwo=" },
    });
    expect(secrets).toEqual(["data"]);
  });

  test("without tokens there is no Secret and no volume", async () => {
    const { container, environment, volumes } = await podOf();
    expect([container.volumeMounts, volumes]).toEqual([[], []]);
    expect(environment).not.toHaveProperty("API_TOKENS_FILE");
    const { resources } = await declare();
    expect(resources.filter(({ type }) => type.endsWith(":Secret"))).toEqual([]);
  });
});

test("a pod waits until the name of Redis resolves, then until Redis answers", async () => {
  const { initContainers } = await podOf();
  const image = args.busyboxImage;
  const address = [
    { name: "REDIS_HOST", value: "redis.test" },
    { name: "REDIS_PORT", value: "6379" },
  ];
  expect(initContainers).toEqual([
    { name: "verify-redis-dns", image, command: ["sh", "-c", verifyRedisDns], env: address },
    {
      name: "verify-redis-ready",
      image,
      command: ["sh", "-c", verifyRedisReady],
      env: [...address, { name: "REDIS_USERNAME", value: "someone" }],
    },
  ]);
});

describe("probes", () => {
  test("the probes request /health on the container's port", async () => {
    const { container } = await podOf();
    const httpGet = { path: "/health", port: container.ports[0].name };
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"] as const) {
      expect(container[probe].httpGet).toEqual(httpGet);
    }
  });

  test("the readiness probe fails before a draining pod stops accepting requests", async () => {
    const { container, config } = await podOf();
    const { periodSeconds, failureThreshold, timeoutSeconds } = container.readinessProbe;
    const noticed = periodSeconds * (failureThreshold - 1) + timeoutSeconds;
    expect(noticed).toBeLessThan(config.DRAIN_SECONDS);
  });

  test("a busy pod leaves the Service long before it is restarted", async () => {
    const { container } = await podOf();
    expect(seconds(container.livenessProbe)).toBeGreaterThan(
      10 * seconds(container.readinessProbe),
    );
  });

  test("a pod has as much time to start as a hanging pod has until its restart", async () => {
    const { container } = await podOf();
    expect(seconds(container.startupProbe)).toBeGreaterThanOrEqual(
      seconds(container.livenessProbe),
    );
  });

  test("a hanging pod gets less time to stop than a draining one", async () => {
    const { container, terminationGracePeriodSeconds } = await podOf();
    expect(container.livenessProbe.terminationGracePeriodSeconds).toBeLessThan(
      terminationGracePeriodSeconds,
    );
  });
});

test("a rollout starts a new pod before it stops an old one", async () => {
  const { resource } = await declare();
  const { inputs, dependencies } = resource("Deployment", "prediction-api");
  expect(inputs).toMatchObject({
    spec: {
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector,
      template: {
        metadata: {
          labels: apiSelectorLabels,
          annotations: { "prediction-service/secret-uid": "uid-of-the-secret" },
        },
        spec: {
          topologySpreadConstraints: [
            { topologyKey: "kubernetes.io/hostname", labelSelector: selector },
            { topologyKey: "topology.kubernetes.io/zone", labelSelector: selector },
          ],
        },
      },
    },
  });
  expect(dependencies).toContainEqual(expect.stringMatching(/NetworkPolicy::prediction-api$/));
});

describe("autoscaler", () => {
  test("only the autoscaler sets the number of pods, within its bounds", async () => {
    const { resource } = await declare();
    expect(resource("Deployment", "prediction-api").inputs).not.toHaveProperty("spec.replicas");
    expect(resource("HorizontalPodAutoscaler", "prediction-api").inputs).toMatchObject({
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "prediction-api" },
        minReplicas: args.minReplicas,
        maxReplicas: args.maxReplicas,
      },
    });
  });

  test.each(["100m", "900m"])(
    "the CPU target of the autoscaler does not depend on requests of %s",
    async (cpu) => {
      const requests = { cpu, memory: "256Mi" };
      const { resource } = await declare({ resources: { ...args.resources, requests } });
      const target = { type: "AverageValue", averageValue: args.targetCpu };
      expect(resource("HorizontalPodAutoscaler", "prediction-api").inputs).toMatchObject({
        spec: { metrics: [{ type: "Resource", resource: { name: "cpu", target } }] },
      });
    },
  );

  test("the autoscaler adds pods faster than it removes them", async () => {
    const { resource } = await declare();
    const Rules = z.object({
      stabilizationWindowSeconds: z.number(),
      policies: z.tuple([z.object({ periodSeconds: z.number() })]),
    });
    const Autoscaler = z.object({
      spec: z.object({ behavior: z.object({ scaleUp: Rules, scaleDown: Rules }) }),
    });
    const { inputs } = resource("HorizontalPodAutoscaler", "prediction-api");
    const { scaleUp, scaleDown } = Autoscaler.parse(inputs).spec.behavior;
    expect(scaleUp.stabilizationWindowSeconds).toBeLessThan(scaleDown.stabilizationWindowSeconds);
    expect(scaleUp.policies[0].periodSeconds).toBeLessThan(scaleDown.policies[0].periodSeconds);
  });
});

test("a drained node loses one pod at a time", async () => {
  const { resource } = await declare();
  expect(resource("PodDisruptionBudget", "prediction-api").inputs).toMatchObject({
    spec: { maxUnavailable: 1, selector },
  });
});

test("pods accept connections on their port only", async () => {
  const { resource } = await declare();
  const { config } = await podOf();
  expect(resource("NetworkPolicy", "prediction-api").inputs).toMatchObject({
    spec: {
      podSelector: selector,
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports: [{ protocol: "TCP", port: config.PORT }] }],
    },
  });
});

test("pods connect only to Redis and to DNS, whose address is not always a pod's", async () => {
  const { resource } = await declare();
  const dns = {
    ports: [
      { protocol: "UDP", port: 53 },
      { protocol: "TCP", port: 53 },
    ],
  };
  const { inputs } = resource("NetworkPolicy", "prediction-api");
  expect(inputs).toHaveProperty("spec.egress", [dns, redis.egress]);
});

test.each([
  [false, { "pulumi.com/skipAwait": "true" }],
  [true, {}],
])(
  "awaitLoadBalancer %s decides whether Pulumi waits for the address",
  async (isAwaited, annotations) => {
    const { resource } = await declare({ awaitLoadBalancer: isAwaited });
    const { container } = await podOf();
    const { inputs } = resource("Service", "prediction-api");
    const [{ name, containerPort }] = container.ports;
    expect(inputs).toMatchObject({
      metadata: { name: "prediction-service", namespace: "w255" },
      spec: {
        type: "LoadBalancer",
        selector: apiSelectorLabels,
        ports: [{ port: containerPort, targetPort: name }],
      },
    });
    expect(inputs).toHaveProperty("metadata.annotations", annotations);
  },
);
