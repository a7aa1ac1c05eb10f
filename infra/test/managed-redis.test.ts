import { describe, expect, test } from "vitest";
import { ManagedRedis } from "../components/managed-redis.ts";
import { redisInitContainers } from "../components/redis-init-containers.ts";
import { parseManagedRedisUrl } from "../redis-url.ts";
import { record } from "./recorded.ts";

const declare = (url: string) =>
  new ManagedRedis("redis", { namespace: "w255", address: parseManagedRedisUrl(url) });

const base64 = (text: string) => Buffer.from(text).toString("base64");

test("one Secret has the URL and its parts, and no other component uses its name", async () => {
  const url = "rediss://u:p%2B@redis.example.com:6380";
  const { resources, resource } = await record(() => declare(url));
  const secret = resource("Secret", "redis");
  expect(secret.secrets).toEqual(["data"]);
  expect(secret.ignoreChanges).toEqual([]);
  expect(secret.inputs).toMatchObject({
    metadata: { name: "managed-redis", namespace: "w255" },
    immutable: true,
    data: { url: base64(url), username: base64("u"), password: base64("p+") },
  });
  expect(resources.filter(({ custom }) => custom)).toHaveLength(1);
});

describe("pods", () => {
  const of = async (url: string) =>
    (
      await record(() => {
        const redis = declare(url);
        return { redis, initContainers: redisInitContainers(redis, "busybox:test") };
      })
    ).result;

  test("pods get the URL of a managed Redis from the Secret, and may connect to its port", async () => {
    const { redis } = await of("rediss://u:p@redis.example.com:6380");
    const secretKeyRef = { name: expect.anything(), key: "url" };
    expect(redis.urlEnvironment).toEqual([{ name: "REDIS_URL", valueFrom: { secretKeyRef } }]);
    expect(redis.egress).toEqual({ ports: [{ protocol: "TCP", port: 6380 }] });
    expect(redis.kind).toBe("managed");
  });

  const address = (port: string) => [
    { name: "REDIS_HOST", value: "redis.example.com" },
    { name: "REDIS_PORT", value: port },
  ];

  test("pods check a managed Redis over TLS without sending credentials", async () => {
    const { initContainers } = await of("rediss://u:p@redis.example.com:6380");
    expect(initContainers).toMatchObject([
      { name: "verify-redis-dns", env: address("6380") },
      { name: "verify-redis-ready", env: address("6380") },
    ]);
    expect(JSON.stringify(initContainers)).toContain("ssl_client");
  });

  test("pods check a managed Redis with its credentials if there is no TLS", async () => {
    const { initContainers } = await of("redis://u:p@redis.example.com");
    const reference = (name: string, key: string) => ({
      name,
      valueFrom: { secretKeyRef: { name: expect.anything(), key } },
    });
    expect(initContainers[1]?.env).toEqual([
      ...address("6379"),
      reference("REDIS_USERNAME", "username"),
      reference("REDIS_PASSWORD", "password"),
    ]);
    expect(JSON.stringify(initContainers)).not.toContain("ssl_client");
  });
});
