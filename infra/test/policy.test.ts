import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import type { PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import analyzer from "@pulumi/pulumi/proto/analyzer_grpc_pb.js";
import type { AnalyzerInfo } from "@pulumi/pulumi/proto/analyzer_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { describe, expect, onTestFinished, test } from "vitest";
import { rules } from "../policy/rules.ts";
import { useMinikubeStandIn } from "./minikube-stand-in.ts";
import { record } from "./recorded.ts";
import type { Properties } from "./registration.ts";
import { cloud, dev } from "./stack-config.ts";

interface Resource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Properties;
}

const inapplicable = () => {
  throw new Error("the rules do not call this");
};

const common = {
  stackTags: new Map<string, string>(),
  getConfig: inapplicable,
  notApplicable: inapplicable,
};

/** Returns a resource as Pulumi's engine passes it to a rule. */
const policyResource = ({ type, name, inputs }: Resource) => ({
  type,
  name,
  props: inputs,
  urn: `urn:pulumi:test::prediction-service::${type}::${name}`,
  opts: {
    protect: false,
    ignoreChanges: [],
    aliases: [],
    customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
    additionalSecretOutputs: [],
  },
  ...common,
  isType: inapplicable,
  asType: inapplicable,
  dependencies: [],
  propertyDependencies: {},
});

/** Returns the violations that the rules report, as `rule: violation`. */
function violations(resources: Resource[]): string[] {
  const found: string[] = [];
  const subjects: (PolicyResource & ResourceValidationArgs)[] = resources.map(policyResource);
  for (const rule of rules) {
    const report = (message: string) => found.push(`${rule.name}: ${message}`);
    if ("validateStack" in rule) {
      rule.validateStack({ ...common, resources: subjects }, report);
    } else {
      for (const subject of subjects) rule.validateResource(subject, report);
    }
  }
  return found;
}

const securityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
const amounts = { cpu: "1", memory: "1Mi" };
const container = {
  name: "c",
  image: "app:1.2",
  resources: { requests: amounts, limits: amounts },
  readinessProbe: {},
  livenessProbe: {},
  securityContext,
};
const pod = {
  automountServiceAccountToken: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: "RuntimeDefault" },
  },
  containers: [container],
};

const deployment = (spec: object): Resource => ({
  type: "kubernetes:apps/v1:Deployment",
  name: "d",
  inputs: { spec: { template: { spec } } },
});
const withContainer = (changes: object) =>
  deployment({ ...pod, containers: [{ ...container, ...changes }] });
const withPodContext = (changes: object) =>
  deployment({ ...pod, securityContext: { ...pod.securityContext, ...changes } });
const withContext = (changes: object) =>
  withContainer({ securityContext: { ...securityContext, ...changes } });
const builtImage = (args: Record<string, string>, skipPush: boolean): Resource => ({
  type: "docker:index/image:Image",
  name: "i",
  inputs: { imageName: "app:0123456789abcdef", build: { args }, skipPush },
});
const digest = `@sha256:${"0".repeat(64)}`;
const service = (name: string, spec: object): Resource => ({
  type: "kubernetes:core/v1:Service",
  name,
  inputs: { spec },
});
const account = (inputs: Properties): Resource => ({
  type: "kubernetes:core/v1:ServiceAccount",
  name: "a",
  inputs,
});

describe("rules", () => {
  test.each<[string, Resource[], string[]]>([
    ["nothing for a pod that follows all rules", [deployment(pod)], []],
    ["nothing for a version with a v", [withContainer({ image: "prom/prometheus:v3.5.0" })], []],
    ...["app", "app:latest", "app:1", "registry.example.com:5000/app"].map(
      (image): [string, Resource[], string[]] => [
        `the image ${image}`,
        [withContainer({ image })],
        [`pinned-images: d: container c: pin ${image} by digest, or at least to major.minor`],
      ],
    ),
    [
      "nothing for pinned base images",
      [
        builtImage({ BUILD_IMAGE: "node:24.1-slim", RUNTIME_IMAGE: `debian${digest}` }, false),
        builtImage({ RUNTIME_IMAGE: `debian:bookworm-slim${digest}` }, true),
      ],
      [],
    ],
    [
      "nothing for the base images in the Dockerfile if the image stays in Minikube",
      [builtImage({}, true)],
      [],
    ],
    [
      "the base images in the Dockerfile if the image is pushed",
      [builtImage({}, false)],
      [
        "pinned-base-images: i: set the build argument BUILD_IMAGE",
        "pinned-base-images: i: set the build argument RUNTIME_IMAGE",
      ],
    ],
    ...[true, false].map((skipPush): [string, Resource[], string[]] => [
      `base images that are not pinned, skipPush ${skipPush}`,
      [builtImage({ BUILD_IMAGE: "node:latest", RUNTIME_IMAGE: "debian:bookworm" }, skipPush)],
      [
        "pinned-base-images: i: pin node:latest by digest, or at least to major.minor",
        "pinned-base-images: i: pin debian:bookworm by digest, or at least to major.minor",
      ],
    ]),
    [
      "an init container without limits",
      [
        deployment({
          ...pod,
          initContainers: [{ ...container, resources: { requests: amounts } }],
        }),
      ],
      [
        "resource-limits: d: container c: set resources.limits.cpu",
        "resource-limits: d: container c: set resources.limits.memory",
      ],
    ],
    [
      "a container without requests",
      [withContainer({ resources: { requests: { cpu: "1" }, limits: amounts } })],
      ["resource-limits: d: container c: set resources.requests.memory"],
    ],
    [
      "a container without a readiness probe",
      [withContainer({ readinessProbe: undefined })],
      ["probes: d: container c: add a readinessProbe"],
    ],
    [
      "a container without a liveness probe",
      [withContainer({ livenessProbe: undefined })],
      ["probes: d: container c: add a livenessProbe"],
    ],
    [
      "a pod that may run as root",
      [withPodContext({ runAsNonRoot: false, runAsUser: 0 })],
      [
        "restricted-pods: d: set securityContext.runAsNonRoot",
        "restricted-pods: d: set securityContext.runAsUser to a user other than 0",
      ],
    ],
    [
      "a pod without a seccomp profile",
      [withPodContext({ seccompProfile: { type: "Unconfined" } })],
      ["restricted-pods: d: set securityContext.seccompProfile.type to RuntimeDefault"],
    ],
    [
      "a container without a security context",
      [withContainer({ securityContext: undefined })],
      [
        "restricted-containers: d: container c: set securityContext.allowPrivilegeEscalation to false",
        "restricted-containers: d: container c: set securityContext.readOnlyRootFilesystem",
        "restricted-containers: d: container c: set securityContext.capabilities.drop to ALL",
      ],
    ],
    [
      "a container that runs as root",
      [withContext({ runAsUser: 0 })],
      ["restricted-containers: d: container c: don't set securityContext.runAsUser to 0"],
    ],
    [
      "a container that drops too little",
      [withContext({ capabilities: { drop: ["NET_RAW"] } })],
      ["restricted-containers: d: container c: set securityContext.capabilities.drop to ALL"],
    ],
    [
      "a pod with a token",
      [deployment({ ...pod, automountServiceAccountToken: undefined })],
      ["no-service-account-token: d: set automountServiceAccountToken to false"],
    ],
    [
      "a service account with a token",
      [account({ automountServiceAccountToken: true }), account({})],
      [
        "no-service-account-token: a: set automountServiceAccountToken to false",
        "no-service-account-token: a: set automountServiceAccountToken to false",
      ],
    ],
    [
      "a NodePort",
      [service("s", { type: "NodePort" }), service("t", { ports: [{ nodePort: 30000 }] })],
      [
        "no-node-port: s: use ClusterIP, or the existing LoadBalancer",
        "no-node-port: t: use ClusterIP, or the existing LoadBalancer",
      ],
    ],
    [
      "two load balancers",
      [service("s", { type: "LoadBalancer" }), service("t", { type: "LoadBalancer" })],
      ["one-load-balancer: s, t: keep only one LoadBalancer"],
    ],
  ])("the rules report %s", (_name, resources, expected) => {
    expect(violations(resources)).toEqual(expected);
  });

  test.each([
    ["kubernetes:core/v1:Pod", { spec: pod }],
    ["kubernetes:apps/v1:StatefulSet", { spec: { template: { spec: pod } } }],
    [
      "kubernetes:batch/v1:CronJob",
      { spec: { jobTemplate: { spec: { template: { spec: pod } } } } },
    ],
  ])("the rules check the pod in a %s", (type, inputs) => {
    const insecure = JSON.parse(JSON.stringify(inputs).replace("app:1.2", "app:latest"));
    expect(violations([{ type, name: "p", inputs }])).toEqual([]);
    expect(violations([{ type, name: "p", inputs: insecure }])).toHaveLength(1);
  });
});

describe("stack", () => {
  useMinikubeStandIn();

  test.each([
    ["Pulumi.dev.yaml", dev],
    ["Pulumi.cloud.example.yaml", cloud],
  ])("the rules report nothing for %s", async (_name, stack) => {
    const { resources } = await record(() => import("../index.ts"), stack);
    expect(resources.length).toBeGreaterThan(10);
    expect(violations(resources)).toEqual([]);
  });
});

/**
 * Starts the policy pack as the CLI does. Resolves with the address on which it serves the engine.
 */
async function startPack(): Promise<string> {
  const runner = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  const args = [runner, "127.0.0.1:1", "."];
  const cwd = join(import.meta.dirname, "../policy");
  const pack: ChildProcess = spawn(process.execPath, args, {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void pack.kill());
  const [port] = await once(pack.stdout ?? pack, "data");
  return `127.0.0.1:${String(port).trim()}`;
}

test("Pulumi starts the policy pack and finds all rules, which are mandatory", async () => {
  const client = new analyzer.AnalyzerClient(await startPack(), credentials.createInsecure());
  onTestFinished(() => client.close());
  const { promise, resolve, reject } = Promise.withResolvers<AnalyzerInfo>();
  client.getAnalyzerInfo(new empty.Empty(), (error, info) =>
    error ? reject(error) : resolve(info),
  );
  const { name, policiesList } = (await promise).toObject();
  expect(name).toBe("prediction-service");
  expect(policiesList.map((policy) => policy.name)).toEqual(rules.map((rule) => rule.name));
  expect(new Set(policiesList.map((policy) => policy.enforcementlevel))).toEqual(new Set([1]));
});
