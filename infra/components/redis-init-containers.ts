import type * as k8s from "@pulumi/kubernetes";
import { restrictedContainer, users } from "./pod-security.ts";
import type { Redis } from "./redis.ts";
import { verifyRedisDns, verifyRedisReady, verifyRedisReadyOverTls } from "./redis-checks.ts";

type Container = k8s.types.input.core.v1.Container;

/**
 * Creates the init containers that delay the start of a pod until the name of Redis resolves and
 * Redis answers.
 *
 * @param image busybox 1.37 or newer
 */
export function redisInitContainers(redis: Redis, image: string): Container[] {
  const { securityContext } = restrictedContainer;
  const address = [
    { name: "REDIS_HOST", value: redis.host },
    { name: "REDIS_PORT", value: String(redis.port) },
  ];
  const check = (name: string, script: string, env: Container["env"]): Container => ({
    name,
    image,
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-c", script],
    env,
    resources: {
      requests: { cpu: "10m", memory: "16Mi" },
      limits: { cpu: "100m", memory: "32Mi" },
    },
    securityContext: { ...securityContext, runAsUser: users.nobody, runAsGroup: users.nobody },
  });
  return [
    check("verify-redis-dns", verifyRedisDns, address),
    redis.tls
      ? check("verify-redis-ready", verifyRedisReadyOverTls, address)
      : check("verify-redis-ready", verifyRedisReady, [...address, ...redis.credentials]),
  ];
}
