import { dirname } from "node:path";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { type Config, readConfig } from "../../service/src/config.ts";
import { apiTokensFile, type ServiceEnvironment } from "../config.ts";
import { selectorLabels } from "./labels.ts";
import { restrictedContainer, restrictedPod, users } from "./pod-security.ts";
import type { Redis } from "./redis.ts";
import { redisInitContainers } from "./redis-init-containers.ts";
import type { ServiceImage } from "./service-image.ts";

/** What a pod of the API runs. */
export interface ApiPodArgs {
  readonly image: Pick<ServiceImage, "ref" | "pullPolicy">;
  /** The Redis that the service uses as its cache. */
  readonly redis: Redis;
  /** Requests and limits of CPU and memory. */
  readonly resources: k8s.types.input.core.v1.ResourceRequirements;
  /** Settings of the service. */
  readonly env: ServiceEnvironment;
  /** The model of `/predict`, if the image has several. */
  readonly defaultModel?: string | undefined;
  /** The image of the init containers that wait for Redis. */
  readonly busyboxImage: string;
}

export const port = 8000;
export const metricsPath = "/metrics";

// Time for load balancers to notice that a pod is stopping.
const defaults: ServiceEnvironment = { DRAIN_SECONDS: "5" };

/**
 * Returns how many seconds the service may take to stop: it drains, finishes its requests, and
 * closes its connection to Redis.
 */
function stopSeconds({ DRAIN_SECONDS, REQUEST_TIMEOUT_MS, CACHE_TIMEOUT_MS }: Config): number {
  return DRAIN_SECONDS + Math.ceil((REQUEST_TIMEOUT_MS + CACHE_TIMEOUT_MS) / 1000);
}

/** The variable and the volume of a pod whose service requires the tokens in a Secret. */
function tokenFile(secret: k8s.core.v1.Secret | undefined) {
  if (secret === undefined) return { variables: {}, volumeMounts: [], volumes: [] };
  const name = "api-tokens";
  return {
    variables: { API_TOKENS_FILE: apiTokensFile },
    // The whole folder: Kubernetes does not update a file that is mounted alone.
    volumeMounts: [{ name, mountPath: dirname(apiTokensFile), readOnly: true }],
    volumes: [{ name, secret: { secretName: secret.metadata.name, defaultMode: 0o440 } }],
  };
}

/** The folder of the models in the image. */
const modelFolder = "/app/model";

/** The variables of a pod whose image has several models. */
const severalModels = (MODEL_DEFAULT: string | undefined) =>
  MODEL_DEFAULT === undefined ? {} : { MODEL_PATH: modelFolder, MODEL_DEFAULT };

const probe = { httpGet: { path: "/health", port: "http" } };

/**
 * Creates the pod template of the API.
 *
 * @param tokens the Secret with the file of API tokens. If undefined, requests need no token
 */
export function apiPod(
  app: string,
  serviceAccountName: pulumi.Input<string>,
  args: ApiPodArgs,
  tokens: k8s.core.v1.Secret | undefined,
): k8s.types.input.core.v1.PodSpec {
  const { image, redis, resources, busyboxImage } = args;
  const { variables, volumeMounts, volumes } = tokenFile(tokens);
  const env = { ...defaults, ...args.env, ...variables, HOST: "0.0.0.0", PORT: String(port) };
  return {
    ...restrictedPod(users.node),
    serviceAccountName,
    terminationGracePeriodSeconds: stopSeconds(readConfig(env)) + 5,
    topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(
      (topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selectorLabels(app) },
      }),
    ),
    initContainers: redisInitContainers(redis, busyboxImage),
    containers: [
      {
        name: app,
        image: image.ref,
        imagePullPolicy: image.pullPolicy,
        ports: [{ name: "http", containerPort: port }],
        env: [
          ...Object.entries({ ...env, ...severalModels(args.defaultModel) }).map(
            ([name, value]) => ({ name, value }),
          ),
          ...redis.urlEnvironment,
        ],
        resources,
        volumeMounts,
        ...restrictedContainer,
        // A pod has a minute to start, because the node may be busy.
        startupProbe: { ...probe, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60 },
        // A pod that drains or hangs leaves the Service within about four seconds.
        readinessProbe: { ...probe, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
        // A pod is restarted only after a minute, because long lists keep it busy. A pod that hangs
        // does not drain, so it gets little time to stop.
        livenessProbe: {
          ...probe,
          periodSeconds: 10,
          timeoutSeconds: 5,
          failureThreshold: 6,
          terminationGracePeriodSeconds: 5,
        },
      },
    ],
    volumes,
  };
}
