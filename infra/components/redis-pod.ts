import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { restrictedContainer, restrictedPod, users } from "./pod-security.ts";
import { fromSecret } from "./redis.ts";

/** What a Redis pod runs. */
export interface RedisPodArgs {
  /** The image, Redis 7.4 or newer. */
  readonly image: string;
  /** Mebibytes of data at which Redis evicts the least recently used entries. */
  readonly maxMemoryMiB: number;
}

export const port = 6379;

const ping = (accepted: string) => ({
  exec: { command: ["sh", "-c", `redis-cli ping 2>&1 | grep -qE '${accepted}'`] },
  timeoutSeconds: 3,
});

/**
 * Creates the pod template of a Redis that stores nothing on disk.
 *
 * @param secret the Secret with the keys `redis.conf`, which sets the password, and `password`
 */
export function redisPod(
  app: string,
  serviceAccountName: pulumi.Input<string>,
  secret: k8s.core.v1.Secret,
  { image, maxMemoryMiB }: RedisPodArgs,
): k8s.types.input.core.v1.PodSpec {
  // Redis needs more memory than its data: for connections and because of fragmentation.
  const memory = `${Math.ceil(maxMemoryMiB * 1.5) + 32}Mi`;
  return {
    ...restrictedPod(users.redis),
    serviceAccountName,
    containers: [
      {
        name: app,
        image,
        imagePullPolicy: "IfNotPresent",
        command: ["redis-server", "/etc/redis/redis.conf"],
        args: [
          ...["--maxmemory", `${maxMemoryMiB}mb`],
          ...["--maxmemory-policy", "allkeys-lru"],
          ...["--save", ""],
          ...["--appendonly", "no"],
        ],
        workingDir: "/data",
        ports: [{ name: "redis", containerPort: port }],
        env: [fromSecret("REDISCLI_AUTH", secret, "password")],
        resources: {
          requests: { cpu: "50m", memory },
          limits: { cpu: "500m", memory },
        },
        ...restrictedContainer,
        readinessProbe: { ...ping("^PONG"), periodSeconds: 2, failureThreshold: 3 },
        // A Redis that loads its data is not ready, but it must not be restarted.
        livenessProbe: { ...ping("^(PONG|LOADING)"), periodSeconds: 10, failureThreshold: 6 },
        volumeMounts: [
          { name: "config", mountPath: "/etc/redis", readOnly: true },
          { name: "data", mountPath: "/data" },
        ],
      },
    ],
    volumes: [
      {
        name: "config",
        secret: {
          secretName: secret.metadata.name,
          items: [{ key: "redis.conf", path: "redis.conf" }],
          defaultMode: 0o440,
        },
      },
      { name: "data", emptyDir: { sizeLimit: "16Mi" } },
    ],
  };
}
