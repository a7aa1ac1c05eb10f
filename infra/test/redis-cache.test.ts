import { output } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { RedisCache } from "../components/redis-cache.ts";
import { promised, type Recording, record } from "./recorded.ts";

const args = {
  namespace: "w255",
  image: "redis:test",
  maxMemoryMiB: 128,
  clientLabels: { "app.kubernetes.io/name": "client" },
};
const declare = (changes: Partial<typeof args> = {}) =>
  new RedisCache("redis", { ...args, ...changes });

const SecretData = z.object({ data: z.object({ password: z.base64(), "redis.conf": z.base64() }) });

/** Returns the contents of the Secret. */
function secretOf({ resource }: Recording<unknown>) {
  const { data } = SecretData.parse(resource("Secret", "redis").inputs);
  return {
    password: Buffer.from(data.password, "base64").toString(),
    file: Buffer.from(data["redis.conf"], "base64").toString(),
  };
}

const Amounts = z.object({ cpu: z.string(), memory: z.string() });
const Container = z.object({
  image: z.string(),
  command: z.array(z.string()),
  args: z.array(z.string()),
  resources: z.object({ requests: Amounts, limits: Amounts }),
  readinessProbe: z.object({ exec: z.object({ command: z.array(z.string()) }) }),
  livenessProbe: z.object({ exec: z.object({ command: z.array(z.string()) }) }),
});
const Deployment = z.object({
  spec: z.object({ template: z.object({ spec: z.object({ containers: z.tuple([Container]) }) }) }),
});

const containerOf = ({ resource }: Recording<unknown>) =>
  Deployment.parse(resource("Deployment", "redis").inputs).spec.template.spec.containers[0];

describe("password", () => {
  test("a new Redis has the generated password, which is secret, has 190 bits and needs no escapes in a URL", async () => {
    const recording = await record(declare);
    const secret = recording.resource("Secret", "redis");
    expect(secret.secrets).toEqual(["data"]);
    expect(secret.dependencies).toContainEqual(expect.stringMatching(/RandomPassword::redis$/));
    expect(secretOf(recording).password).toMatch(/^[A-Za-z0-9]{32}$/);
  });

  test("an existing Redis keeps its password: Pulumi ignores another one in the Secret", async () => {
    const { resource } = await record(declare);
    const { inputs, ignoreChanges } = resource("Secret", "redis");
    expect(ignoreChanges).toEqual(["data"]);
    expect(inputs).toMatchObject({ immutable: true });
  });

  test("Redis gets its password in a configuration file, not on the command line", async () => {
    const recording = await record(declare);
    const { password, file } = secretOf(recording);
    expect(file).toBe(`requirepass ${password}\n`);
    expect(containerOf(recording).command).toEqual(["redis-server", "/etc/redis/redis.conf"]);
    const volumeMount = { name: "config", mountPath: "/etc/redis", readOnly: true };
    const items = [{ key: "redis.conf", path: "redis.conf" }];
    const secret = { secretName: "redis", items, defaultMode: 0o440 };
    expect(recording.resource("Deployment", "redis").inputs).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [{ volumeMounts: expect.arrayContaining([volumeMount]) }],
            volumes: expect.arrayContaining([{ name: "config", secret }]),
          },
        },
      },
    });
  });

  test("only the Secret contains the password of Redis", async () => {
    const recording = await record(declare);
    const others = recording.resources.filter(({ type }) => !type.endsWith(":Secret"));
    expect(JSON.stringify(others)).not.toContain(secretOf(recording).password);
  });

  test("a replaced Secret restarts the pod of Redis", async () => {
    const { resource } = await record(declare);
    const annotations = { "prediction-service/secret-uid": "uid-of-Secret-redis" };
    expect(resource("Deployment", "redis").inputs).toMatchObject({
      spec: { template: { metadata: { annotations } } },
    });
  });

  test("clients get the password of Redis as a reference to the Secret", async () => {
    const { result } = await record(() => {
      const { credentials, urlEnvironment } = declare();
      return { credentials, urlEnvironment, url: output(urlEnvironment[1]?.value) };
    });
    const secretKeyRef = { name: expect.anything(), key: "password" };
    const password = { name: "REDIS_PASSWORD", valueFrom: { secretKeyRef } };
    const url = { name: "REDIS_URL", value: expect.anything() };
    expect(result.credentials).toEqual([{ name: "REDIS_USERNAME", value: "default" }, password]);
    expect(result.urlEnvironment).toEqual([password, url]);
    expect(await promised(result.url)).toBe(
      "redis://:$(REDIS_PASSWORD)@redis-service.w255.svc.cluster.local:6379",
    );
  });
});

test("Redis stores nothing on disk", async () => {
  const { args } = containerOf(await record(declare));
  expect(args.join(" ")).toContain("--save  --appendonly no");
});

test("the image of Redis can be chosen", async () => {
  const image = `redis@sha256:${"0".repeat(64)}`;
  expect(containerOf(await record(() => declare({ image }))).image).toBe(image);
});

test.each([16, 128, 4096])(
  "with %i MiB of data, Redis evicts before it runs out of memory",
  async (maxMemoryMiB) => {
    const { args, resources } = containerOf(await record(() => declare({ maxMemoryMiB })));
    expect(args.join(" ")).toContain(
      `--maxmemory ${maxMemoryMiB}mb --maxmemory-policy allkeys-lru`,
    );
    expect(resources.limits.memory).toMatch(/^\d+Mi$/);
    expect(Number.parseInt(resources.limits.memory, 10)).toBeGreaterThan(1.25 * maxMemoryMiB);
    expect(resources.requests.memory).toBe(resources.limits.memory);
  },
);

test("the old Redis stops before a new one starts", async () => {
  const { resource } = await record(declare);
  expect(resource("Deployment", "redis").inputs).toMatchObject({
    spec: { replicas: 1, strategy: { type: "Recreate" } },
  });
});

test("the probes send the password, and a Redis that loads data is alive but not ready", async () => {
  const recording = await record(declare);
  const accepts = (probe: "readinessProbe" | "livenessProbe") => {
    const pattern = /-qE '(.*)'$/.exec(containerOf(recording)[probe].exec.command.join(" "))?.[1];
    return ["PONG", "LOADING Redis is loading", "NOAUTH"].map((reply) =>
      new RegExp(String(pattern)).test(reply),
    );
  };
  expect(accepts("readinessProbe")).toEqual([true, false, false]);
  expect(accepts("livenessProbe")).toEqual([true, true, false]);
  const secretKeyRef = { name: "redis", key: "password" };
  const env = [{ name: "REDISCLI_AUTH", valueFrom: { secretKeyRef } }];
  expect(recording.resource("Deployment", "redis").inputs).toMatchObject({
    spec: { template: { spec: { containers: [{ env }] } } },
  });
});

test("only clients can connect to Redis, and Redis can connect to nothing", async () => {
  const { resource } = await record(declare);
  const policy = resource("NetworkPolicy", "redis");
  expect(policy.inputs).toMatchObject({
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "redis" } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: args.clientLabels } }],
          ports: [{ protocol: "TCP", port: 6379 }],
        },
      ],
    },
  });
  expect(policy.inputs).not.toHaveProperty("spec.egress");
  expect(resource("Deployment", "redis").dependencies).toContainEqual(
    expect.stringMatching(/NetworkPolicy::redis$/),
  );
});

test("the Service of Redis is redis-service, which is reachable inside the cluster only", async () => {
  const { resource } = await record(declare);
  expect(resource("Service", "redis").inputs).toMatchObject({
    metadata: { name: "redis-service", namespace: "w255" },
    spec: {
      type: "ClusterIP",
      selector: { "app.kubernetes.io/name": "redis" },
      ports: [{ name: "redis", port: 6379, targetPort: "redis" }],
    },
  });
});
