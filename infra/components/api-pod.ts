import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { selectorLabels } from "./labels.ts";
import { restrictedContainer, restrictedPod, users } from "./pod-security.ts";
import type { Redis } from "./redis.ts";
import { redisInitContainers } from "./redis-init-containers.ts";
import type { ServiceImage } from "./service-image.ts";

/** What a pod of the API runs, and with what. */
export interface ApiPodArgs {
  readonly image: Pick<ServiceImage, "ref" | "pullPolicy">;
  /** The cache behind it. */
  readonly redis: Redis;
  /** CPU and memory, requested and at most. */
  readonly resources: k8s.types.input.core.v1.ResourceRequirements;
  readonly cache: {
    /** For how long an answer stays cached. */
    readonly ttlSeconds: number;
    /** The size of the tier in the process; 0 turns it off. */
    readonly memoryBytes: number;
  };
}

export const port = 8000;

/** After SIGTERM requests are still taken for so long: endpoints need a second or so to settle. */
const drainSeconds = 5;
/** The service's own limit, after which requests under way are cut off. */
const requestTimeoutSeconds = 30;

const probe = { httpGet: { path: "/health", port: "http" } };

/** The pods of the API. */
export function apiPod(
  app: string,
  serviceAccountName: pulumi.Input<string>,
  args: ApiPodArgs,
): k8s.types.input.core.v1.PodSpec {
  const { image, redis, resources, cache } = args;
  return {
    ...restrictedPod(users.node),
    serviceAccountName,
    terminationGracePeriodSeconds: drainSeconds + requestTimeoutSeconds + 5,
    topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(
      (topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selectorLabels(app) },
      }),
    ),
    initContainers: redisInitContainers(redis),
    containers: [
      {
        name: app,
        image: image.ref,
        imagePullPolicy: image.pullPolicy,
        ports: [{ name: "http", containerPort: port }],
        env: [
          { name: "HOST", value: "0.0.0.0" },
          { name: "PORT", value: String(port) },
          { name: "LOG_LEVEL", value: "info" },
          { name: "DRAIN_SECONDS", value: String(drainSeconds) },
          { name: "REQUEST_TIMEOUT_MS", value: String(requestTimeoutSeconds * 1000) },
          { name: "CACHE_TTL_SECONDS", value: String(cache.ttlSeconds) },
          { name: "CACHE_MEMORY_BYTES", value: String(cache.memoryBytes) },
          ...redis.urlEnvironment,
        ],
        resources,
        ...restrictedContainer,
        // A minute to start, on a busy node.
        startupProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
        // Out of the Service within some four seconds.
        readinessProbe: { ...probe, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
        // Killed only after a minute, as long lists keep it busy; what hangs drains nothing.
        livenessProbe: {
          ...probe,
          periodSeconds: 10,
          timeoutSeconds: 5,
          failureThreshold: 6,
          terminationGracePeriodSeconds: 5,
        },
      },
    ],
  };
}
