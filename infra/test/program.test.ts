import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { useMinikubeStandIn } from "./minikube-stand-in.ts";
import { promised, record } from "./recorded.ts";
import type { Registration } from "./registration.ts";
import { cloud, dev, managedRedisUrl } from "./stack-config.ts";

useMinikubeStandIn();

const program = () => import("../index.ts");

const Container = z.object({
  resources: z.object({ requests: z.object({ cpu: z.string().regex(/^\d+m$/) }) }),
});
const millicores = ({ resources }: z.infer<typeof Container>) =>
  Number.parseInt(resources.requests.cpu, 10);

const Deployment = z.object({
  spec: z.object({
    replicas: z.number().optional(),
    strategy: z.object({ rollingUpdate: z.object({ maxSurge: z.number() }).optional() }),
    template: z.object({
      spec: z.object({
        containers: z.array(Container),
        initContainers: z.array(Container).optional(),
      }),
    }),
  }),
});

const Autoscaler = z.object({ spec: z.object({ maxReplicas: z.number() }) });

const ids = (resources: Registration[]) =>
  resources
    .filter(({ custom }) => custom)
    .map(({ type, name }) => `${type.split(":").at(-1)} ${name}`)
    .sort();

const always = [
  "Deployment prediction-api",
  "HorizontalPodAutoscaler prediction-api",
  "Image prediction-service",
  "Namespace namespace",
  "NetworkPolicy namespace-deny-all",
  "NetworkPolicy prediction-api",
  "PodDisruptionBudget prediction-api",
  "Secret redis",
  "Service prediction-api",
  "ServiceAccount prediction-api",
  "docker docker",
  "kubernetes kubernetes",
];
const redis = [
  "Deployment redis",
  "NetworkPolicy redis",
  "RandomPassword redis",
  "Service redis",
  "ServiceAccount redis",
  "random random",
];

describe.each([
  {
    name: "Pulumi.dev.yaml",
    stack: dev,
    resources: [...always, ...redis],
    outputs: { redisKind: "in-cluster", imageRef: /^prediction-service:[0-9a-f]{16}$/ },
  },
  {
    name: "Pulumi.cloud.example.yaml",
    stack: cloud,
    resources: always,
    outputs: { redisKind: "managed", imageRef: /@sha256:0{64}$/ },
  },
])("$name", ({ stack, resources, outputs }) => {
  test("the stack has the expected resources and no others", async () => {
    expect(ids((await record(program, stack)).resources)).toEqual(resources.toSorted());
  });

  test("every resource uses the explicit provider of its package", async () => {
    const recording = await record(program, stack);
    for (const { type, custom, provider } of recording.resources) {
      const pack = type.split(":")[0];
      if (custom && pack !== "pulumi") expect(provider).toMatch(`$pulumi:providers:${pack}::`);
    }
  });

  test("every resource belongs to a component", async () => {
    const recording = await record(program, stack);
    for (const { type, parent } of recording.resources) {
      if (/^(kubernetes|docker|random):/.test(type))
        expect(parent).toMatch("::prediction-service:");
    }
  });

  test("the outputs say where the service is and contain no secret", async () => {
    const { result } = await record(async () => {
      const outputs = pulumi.output(await program());
      return { isSecret: await pulumi.isSecret(outputs), values: await promised(outputs) };
    }, stack);
    expect(result.isSecret).toBe(false);
    expect(result.values).toEqual({
      namespace: "w255",
      serviceName: "prediction-service",
      servicePort: 8000,
      redisKind: outputs.redisKind,
      imageRef: expect.stringMatching(outputs.imageRef),
    });
  });

  test("every object is in the namespace and has labels", async () => {
    const recording = await record(program, stack);
    for (const { type, inputs } of recording.resources) {
      if (!type.startsWith("kubernetes:")) continue;
      expect(inputs).toMatchObject({
        metadata: {
          ...(type.endsWith(":Namespace") ? { name: "w255" } : { namespace: "w255" }),
          labels: {
            "app.kubernetes.io/name": expect.any(String),
            "app.kubernetes.io/component": expect.any(String),
            "app.kubernetes.io/part-of": "prediction-service",
            "app.kubernetes.io/managed-by": "pulumi",
          },
        },
      });
    }
  });

  test("the default providers, which could deploy elsewhere, are disabled", () => {
    const disabled = stack.config["pulumi:disable-default-providers"] ?? "";
    expect(JSON.parse(disabled)).toEqual(["kubernetes", "docker"]);
  });
});

describe("on Minikube", () => {
  test("the Docker daemon and the context are those of Minikube", async () => {
    const { resource } = await record(program, dev);
    expect(resource("docker", "docker").inputs).toEqual({
      host: "tcp://192.0.2.49:2376",
      certPath: "/home/someone/.minikube/certs",
    });
    expect(resource("kubernetes", "kubernetes").inputs).toMatchObject({ context: "minikube" });
  });

  test("another node replaces the image and the namespace", async () => {
    const { resource } = await record(program, dev);
    const image = resource("Image", "prediction-service");
    expect(image.replacementTrigger).toBe("uid-of-Node-minikube");
    expect(image.inputs).toMatchObject({ build: { platform: "linux/arm64" } });
    const namespace = resource("Namespace", "namespace");
    expect(namespace.replacementTrigger).toBe("uid-of-Node-minikube");
    expect(namespace.deleteBeforeReplace).toBe(true);
  });

  test("the profile may have a different name from the context", async () => {
    const config = { ...dev.config, "prediction-service:minikubeProfile": "other" };
    const { resource } = await record(program, { ...dev, config });
    expect(resource("Namespace", "namespace").replacementTrigger).toBe("uid-of-Node-other");
    expect(resource("kubernetes", "kubernetes").inputs).toMatchObject({ context: "minikube" });
  });

  test.each([
    ["", {}, 2],
    ["with Prometheus and Grafana, ", { deploy: true }, 4],
  ])(
    "%sall pods, and the extra pod of a rollout, fit on two cores together with Minikube's own pods",
    async (_, monitoring, deployments) => {
      // Measured on Minikube with metrics-server.
      const ownPodsMillicores = 850;
      const config = { ...dev.config, "prediction-service:monitoring": JSON.stringify(monitoring) };
      const { resources, resource } = await record(program, { config });
      const { maxReplicas } = Autoscaler.parse(
        resource("HorizontalPodAutoscaler", "prediction-api").inputs,
      ).spec;
      const requested = resources
        .filter(({ type }) => type.endsWith(":Deployment"))
        .map(({ inputs }) => {
          const { replicas = maxReplicas, strategy, template } = Deployment.parse(inputs).spec;
          const { containers, initContainers = [] } = template.spec;
          const together = containers.map(millicores).reduce((sum, each) => sum + each);
          const pod = Math.max(together, ...initContainers.map(millicores));
          return pod * (replicas + (strategy.rollingUpdate?.maxSurge ?? 0));
        });
      expect(requested).toHaveLength(deployments);
      const total = requested.reduce((sum, each) => sum + each, ownPodsMillicores);
      expect(total).toBeLessThanOrEqual(2000);
    },
  );
});

describe("KUBECONFIG", () => {
  test.each([undefined, "", "/one", "/one:/two", "/missing::/two"])(
    "the provider loads KUBECONFIG itself if it is %j",
    async (kubeconfig) => {
      vi.stubEnv("KUBECONFIG", kubeconfig);
      const { resource } = await record(program, dev);
      // The provider reads any other value as the path of one file.
      expect(resource("kubernetes", "kubernetes").inputs).toHaveProperty("kubeconfig", "");
    },
  );
});

describe("on another cluster", () => {
  test("the program runs without Minikube", async () => {
    vi.stubEnv("MINIKUBE_STATUS", "1");
    const { resource } = await record(program, cloud);
    expect(resource("docker", "docker").inputs).toEqual({});
    expect(resource("kubernetes", "kubernetes").inputs).toMatchObject({ context: "cloud" });
  });

  test("the URL of the managed Redis is in the Secret only", async () => {
    const { resources, resource } = await record(program, cloud);
    expect(resource("Secret", "redis").secrets).toEqual(["data"]);
    const elsewhere = JSON.stringify(resources.filter(({ type }) => !type.endsWith(":Secret")));
    expect(elsewhere).not.toContain(managedRedisUrl);
    expect(elsewhere).not.toMatch(/someone|pass(%20| )word/);
  });
});
