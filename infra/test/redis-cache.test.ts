import { output } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { RedisCache } from "../components/redis-cache.ts";
import { promised, type Recording, record } from "./recorded.ts";

const clientLabels = { "app.kubernetes.io/name": "client" };
const declare = () =>
  new RedisCache("redis", { namespace: "w255", maxMemoryMiB: 128, clientLabels });

const deploymentOf = ({ resource }: Recording<unknown>) => resource("Deployment", "redis").inputs;

function passwordOf({ resource }: Recording<unknown>): string {
  const { data } = resource("Secret", "redis").inputs as { data: { password: string } };
  return Buffer.from(data.password, "base64").toString();
}

describe("the password", () => {
  test("is a secret of 256 bits, which a URL takes as it is", async () => {
    const recording = await record(declare);
    expect(recording.resource("Secret", "redis").secrets).toEqual(["data"]);
    expect(passwordOf(recording)).toMatch(/^[\w-]{43}$/);
  });

  test("is made once: a later run makes another, whose change is ignored", async () => {
    const [first, second] = [await record(declare), await record(declare)];
    expect(passwordOf(first)).not.toBe(passwordOf(second));
    expect(second.resource("Secret", "redis").ignoreChanges).toEqual(["data"]);
    expect(second.resource("Secret", "redis").inputs).toMatchObject({ immutable: true });
  });

  test("is what Redis requires, by a file", async () => {
    const recording = await record(declare);
    const { inputs } = recording.resource("Secret", "redis");
    const file = Buffer.from(`requirepass ${passwordOf(recording)}\n`).toString("base64");
    expect(inputs).toMatchObject({ data: { "redis.conf": file } });
    expect(deploymentOf(recording)).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [
              {
                command: ["redis-server", "/etc/redis/redis.conf"],
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
                  secretName: "redis",
                  items: [{ key: "redis.conf", path: "redis.conf" }],
                  defaultMode: 0o440,
                },
              },
              { name: "data", emptyDir: {} },
            ],
          },
        },
      },
    });
  });

  test("is in nothing but the Secret, and another Secret rolls the pod", async () => {
    const recording = await record(declare);
    const elsewhere = recording.resources.filter(({ type }) => !type.endsWith(":Secret"));
    expect(JSON.stringify(elsewhere)).not.toContain(passwordOf(recording));
    expect(deploymentOf(recording)).toMatchObject({
      spec: {
        template: {
          metadata: { annotations: { "prediction-service/secret-uid": "uid-of-Secret-redis" } },
        },
      },
    });
  });

  test("reaches clients by reference", async () => {
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

test("Redis keeps nothing, and evicts before the container's memory is full", async () => {
  expect(deploymentOf(await record(declare))).toMatchObject({
    spec: {
      replicas: 1,
      strategy: { type: "Recreate" },
      template: {
        spec: {
          containers: [
            {
              image: "redis:7.4",
              args: [
                ...["--maxmemory", "128mb", "--maxmemory-policy", "allkeys-lru"],
                ...["--save", "", "--appendonly", "no"],
              ],
              resources: {
                requests: { cpu: "50m", memory: "224Mi" },
                limits: { cpu: "500m", memory: "224Mi" },
              },
            },
          ],
        },
      },
    },
  });
});

test("the probes authenticate; one that loads is alive but not ready", async () => {
  const command = (accepted: string) => [
    "sh",
    "-c",
    `redis-cli ping 2>&1 | grep -qE '${accepted}'`,
  ];
  const secretKeyRef = { name: "redis", key: "password" };
  expect(deploymentOf(await record(declare))).toMatchObject({
    spec: {
      template: {
        spec: {
          containers: [
            {
              env: [{ name: "REDISCLI_AUTH", valueFrom: { secretKeyRef } }],
              readinessProbe: { exec: { command: command("^PONG") } },
              livenessProbe: { exec: { command: command("^(PONG|LOADING)") } },
            },
          ],
        },
      },
    },
  });
});

test("only its clients reach it, and it reaches nobody", async () => {
  const { resource } = await record(declare);
  const policy = resource("NetworkPolicy", "redis");
  expect(policy.inputs).toMatchObject({
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "redis" } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: clientLabels } }],
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

test("its Service is redis-service, within the cluster", async () => {
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
