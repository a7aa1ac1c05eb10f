import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { docker } from "../../../test/docker.ts";
import { DeployedStack } from "../deployed-stack.ts";
import type { Properties } from "../registration.ts";
import { dev } from "../stack-config.ts";
import { KubernetesNode } from "./kubernetes-node.ts";
import { startNodeLocalDns } from "./node-local-dns.ts";

const infra = join(import.meta.dirname, "../..");
const namespace = "w255";

/** The images that the cluster runs next to the service's own. */
export const images = { redis: "redis:7.4", busybox: "busybox:1.37" };

const Image = z.object({
  imageName: z.string(),
  build: z.object({
    context: z.string(),
    dockerfile: z.string(),
    platform: z.string(),
    args: z.record(z.string(), z.string()),
  }),
});

const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ containers: z.tuple([z.object({ image: z.string() })]) }),
      status: z.object({
        podIP: z.string().default(""),
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        containerStatuses: z
          .array(z.object({ restartCount: z.number(), containerID: z.string().default("") }))
          .default([]),
      }),
    }),
  ),
});

/** The properties of a pod that the checks use. */
export interface Pod {
  readonly name: string;
  readonly image: string;
  readonly isReady: boolean;
  readonly restarts: number;
  readonly containerId: string;
  /** Its IPv4 address. */
  readonly address: string;
}

/** A response of the service. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

/** Repeats an attempt until it succeeds. After the given time, throws its last error. */
export async function eventually<T>(seconds: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(250);
    }
  }
}

/** The stack of `Pulumi.dev.yaml` on a node, with an image that is built from the checkout. */
export class NodeUnderTest {
  readonly namespace = namespace;
  readonly node: KubernetesNode;
  readonly stack: DeployedStack;
  readonly #stopDns: () => Promise<void>;
  /** The images that were deployed, the latest last. */
  readonly #images: string[] = [];

  private constructor(node: KubernetesNode, stopDns: () => Promise<void>) {
    this.node = node;
    this.#stopDns = stopDns;
    this.stack = new DeployedStack({
      kubeconfig: node.kubeconfig,
      hasControllers: true,
      buildImage: (inputs) => this.#buildImage(inputs),
    });
  }

  static async start(): Promise<NodeUnderTest> {
    const node = await KubernetesNode.start();
    try {
      for (const image of Object.values(images)) await node.load(image);
      return new NodeUnderTest(node, await startNodeLocalDns(node));
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#stopDns();
    await this.node.stop();
    for (const image of this.#images) docker("image", "rm", image);
  }

  /** The image that was deployed last. */
  get image(): string {
    return this.#images.at(-1) ?? "";
  }

  /** Deploys the stack with a new image. */
  async deploy(): Promise<void> {
    const { exitCode, log } = await this.stack.up({
      config: {
        ...dev.config,
        "prediction-service:minikubeProfile": KubernetesNode.name,
        "prediction-service:images": JSON.stringify(images),
        // Without the in-memory cache, each hit comes from Redis.
        "prediction-service:service": JSON.stringify({ env: { CACHE_MEMORY_BYTES: 0 } }),
      },
    });
    if (exitCode !== 0) throw new Error(log);
  }

  async #buildImage(inputs: Properties): Promise<{ imageName: string; repoDigest: string }> {
    const { imageName, build } = Image.parse(inputs);
    const revision = this.#images.length;
    const image = `${imageName}-${revision}`;
    const made = ["--tag", image, "--label", `revision=${revision}`];
    const from = ["--platform", build.platform, "--file", join(infra, build.dockerfile)];
    const args = Object.entries(build.args).flatMap((pair) => ["--build-arg", pair.join("=")]);
    docker("build", ...made, ...from, ...args, join(infra, build.context));
    await this.node.load(image);
    this.#images.push(image);
    return { imageName: image, repoDigest: "" };
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.node.kubectl("--namespace", namespace, ...args);
  }

  /** Returns the pods of a workload, including those that are stopping. */
  async pods(workload: string): Promise<Pod[]> {
    const selector = `app.kubernetes.io/name=${workload}`;
    const list = await this.kubectl("get", "pods", "--selector", selector, "--output", "json");
    return Pods.parse(JSON.parse(list)).items.map(({ metadata, spec, status }) => ({
      name: metadata.name,
      image: spec.containers[0].image,
      isReady: status.conditions.some((c) => c.type === "Ready" && c.status === "True"),
      restarts: status.containerStatuses[0]?.restartCount ?? 0,
      containerId: status.containerStatuses[0]?.containerID ?? "",
      address: status.podIP,
    }));
  }

  /** Sends a request to the service, through its cluster IP. */
  async ask(path: string, body: unknown): Promise<Answer> {
    const at = "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}";
    const address = await this.kubectl("get", "service", "prediction-service", "--output", at);
    const response = await fetch(`http://${address}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    return { status: response.status, body: await response.json(), headers: response.headers };
  }

  /**
   * Runs shell commands in a pod of another namespace that has the labels of the service's pods.
   *
   * @returns what each command printed
   */
  async runForeignPod(...lines: string[]): Promise<string[]> {
    const script = lines.map((line) => `echo "$({ ${line}; } 2>/dev/null)"`).join("\n");
    const foreign = (...args: string[]) => this.node.kubectl("--namespace=default", ...args);
    const how = ["--restart=Never", "--image-pull-policy=Never", "--image", images.busybox];
    const labels = "--labels=app.kubernetes.io/name=prediction-api";
    await foreign("run", "foreign", ...how, labels, "--command", "--", "sh", "-c", script);
    await foreign(
      "wait",
      "pod/foreign",
      "--for=jsonpath={.status.phase}=Succeeded",
      "--timeout=60s",
    );
    const printed = await foreign("logs", "foreign");
    await foreign("delete", "pod", "foreign");
    return printed.split("\n");
  }

  async redisKeys(): Promise<string[]> {
    const scan = ["redis-cli", "--scan", "--pattern", "*"];
    const keys = await this.kubectl("exec", "deployment/redis", "--", ...scan);
    return keys.split("\n").filter((key) => key !== "");
  }
}
