import { output } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { apiSelectorLabels, PredictionApi } from "../components/prediction-api.ts";
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
const resources = {
  requests: { cpu: "100m", memory: "256Mi" },
  limits: { cpu: "1", memory: "512Mi" },
};

const declare = (awaitLoadBalancer = false) =>
  record(
    () =>
      new PredictionApi("prediction-api", {
        namespace: "w255",
        image: { ref: output("prediction-service:0123456789abcdef"), pullPolicy: "Never" },
        redis,
        resources,
        cache: { ttlSeconds: 60, memoryBytes: 1024 },
        minReplicas: 2,
        maxReplicas: 5,
        awaitLoadBalancer,
      }),
  );

const selector = { matchLabels: apiSelectorLabels };

test("the service gets its settings, and Redis's URL", async () => {
  const { resource } = await declare();
  expect(resource("Deployment", "prediction-api").inputs).toMatchObject({
    spec: {
      template: {
        spec: {
          containers: [
            {
              name: "prediction-api",
              image: "prediction-service:0123456789abcdef",
              imagePullPolicy: "Never",
              ports: [{ name: "http", containerPort: 8000 }],
              env: [
                { name: "HOST", value: "0.0.0.0" },
                { name: "PORT", value: "8000" },
                { name: "LOG_LEVEL", value: "info" },
                { name: "DRAIN_SECONDS", value: "5" },
                { name: "REQUEST_TIMEOUT_MS", value: "30000" },
                { name: "CACHE_TTL_SECONDS", value: "60" },
                { name: "CACHE_MEMORY_BYTES", value: "1024" },
                { name: "REDIS_URL", value: "redis://redis.test" },
              ],
              resources,
            },
          ],
        },
      },
    },
  });
});

test("a pod waits for the name of Redis, then for its answer", async () => {
  const { resource } = await declare();
  const address = [
    { name: "REDIS_HOST", value: "redis.test" },
    { name: "REDIS_PORT", value: "6379" },
  ];
  const image = "busybox:1.37";
  expect(resource("Deployment", "prediction-api").inputs).toMatchObject({
    spec: {
      template: {
        spec: {
          initContainers: [
            {
              name: "verify-redis-dns",
              image,
              command: ["sh", "-c", verifyRedisDns],
              env: address,
            },
            {
              name: "verify-redis-ready",
              image,
              command: ["sh", "-c", verifyRedisReady],
              env: [...address, { name: "REDIS_USERNAME", value: "someone" }],
            },
          ],
        },
      },
    },
  });
});

test("the probes ask for the health: patient at the start, quick out, slow to kill", async () => {
  const { resource } = await declare();
  const httpGet = { path: "/health", port: "http" };
  expect(resource("Deployment", "prediction-api").inputs).toMatchObject({
    spec: {
      template: {
        spec: {
          containers: [
            {
              startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 60 },
              readinessProbe: { httpGet, periodSeconds: 2, failureThreshold: 2 },
              livenessProbe: {
                httpGet,
                periodSeconds: 10,
                failureThreshold: 6,
                timeoutSeconds: 5,
                terminationGracePeriodSeconds: 5,
              },
            },
          ],
        },
      },
    },
  });
});

test("a rollout keeps every pod until another is ready, and time to drain", async () => {
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
          terminationGracePeriodSeconds: 40,
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

test("the number of pods is the autoscaler's", async () => {
  const { resource } = await declare();
  expect(resource("Deployment", "prediction-api").inputs).not.toHaveProperty("spec.replicas");
  expect(resource("HorizontalPodAutoscaler", "prediction-api").inputs).toMatchObject({
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "prediction-api" },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
        },
      ],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 300,
          policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
        },
      },
    },
  });
});

test("a drain of nodes takes one pod at a time", async () => {
  const { resource } = await declare();
  expect(resource("PodDisruptionBudget", "prediction-api").inputs).toMatchObject({
    spec: { maxUnavailable: 1, selector },
  });
});

test("pods are reached on their port, and reach names and Redis", async () => {
  const { resource } = await declare();
  expect(resource("NetworkPolicy", "prediction-api").inputs).toMatchObject({
    spec: {
      podSelector: selector,
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports: [{ protocol: "TCP", port: 8000 }] }],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
              podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
            },
          ],
          ports: [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
          ],
        },
        redis.egress,
      ],
    },
  });
});

test.each([
  [false, { "pulumi.com/skipAwait": "true" }],
  [true, {}],
])("the load balancer's address is awaited: %s", async (awaitLoadBalancer, annotations) => {
  const { resource } = await declare(awaitLoadBalancer);
  const { inputs } = resource("Service", "prediction-api");
  expect(inputs).toMatchObject({
    metadata: { name: "prediction-service", namespace: "w255" },
    spec: {
      type: "LoadBalancer",
      selector: apiSelectorLabels,
      ports: [{ name: "http", port: 8000, targetPort: "http" }],
    },
  });
  expect(inputs).toHaveProperty("metadata.annotations", annotations);
});
