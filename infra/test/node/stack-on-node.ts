import { vi } from "vitest";
import { z } from "zod";
import { DeployedStack } from "../deployed-stack.ts";
import { dev, type StackConfig } from "../stack-config.ts";
import { KubernetesNode } from "./kubernetes-node.ts";

/** The images that the stack runs next to the service's own. */
export const baseImages = { redis: "redis:7.4", busybox: "busybox:1.37" };

/** Settings of the stack in addition to those of `Pulumi.dev.yaml`. */
export interface MoreSettings {
  readonly images?: Readonly<Record<string, string>>;
  readonly monitoring?: Readonly<Record<string, boolean>>;
}

/** Returns the configuration in `Pulumi.dev.yaml` for a namespace of the node. */
export function configOnNode(
  namespace: string,
  replicas: number,
  { images = {}, monitoring = {} }: MoreSettings = {},
): StackConfig {
  const service = {
    ...JSON.parse(String(dev.config["prediction-service:service"])),
    minReplicas: replicas,
    // Every hit comes from Redis, even if a busy node delays its replies.
    env: { CACHE_MEMORY_BYTES: 0, CACHE_REDIS_PREDICT: "always", CACHE_TIMEOUT_MS: 5_000 },
  };
  return {
    config: {
      ...dev.config,
      "prediction-service:minikubeProfile": KubernetesNode.name,
      "prediction-service:namespace": namespace,
      "prediction-service:images": JSON.stringify({ ...baseImages, ...images }),
      "prediction-service:monitoring": JSON.stringify(monitoring),
      "prediction-service:service": JSON.stringify(service),
    },
  };
}

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

/** The properties of a pod that the tests use. */
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

/** The stack of `Pulumi.dev.yaml` in a namespace of a node. */
export class StackOnNode {
  readonly node: KubernetesNode;
  readonly namespace: string;
  readonly #replicas: number;
  readonly #more: MoreSettings;
  readonly #stack: DeployedStack;
  #deployments = 0;
  #image = "";
  #address: string | undefined;

  constructor(node: KubernetesNode, namespace: string, replicas: number, more: MoreSettings = {}) {
    this.node = node;
    this.namespace = namespace;
    this.#replicas = replicas;
    this.#more = more;
    this.#stack = new DeployedStack({
      kubeconfig: node.kubeconfig,
      hasControllers: true,
      buildImage: ({ imageName }) => this.#nameImage(String(imageName)),
    });
  }

  /** The name of the service's image that was deployed last. */
  get image(): string {
    return this.#image;
  }

  /** Deploys the stack with the image of the node. Each time, the image has another name. */
  async deploy(): Promise<void> {
    const config = configOnNode(this.namespace, this.#replicas, this.#more);
    const { exitCode, log } = await this.#stack.up(config);
    if (exitCode !== 0) throw new Error(log);
  }

  async #nameImage(imageName: string): Promise<{ imageName: string; repoDigest: string }> {
    this.#image = `${imageName}-${this.namespace}-${this.#deployments++}`;
    await this.node.tag(imageName, this.#image);
    return { imageName: this.#image, repoDigest: "" };
  }

  /** Waits until all pods of the service are ready, and its cluster IP leads to them. */
  async ready(): Promise<void> {
    const replicas = `--for=jsonpath={.status.readyReplicas}=${this.#replicas}`;
    await this.kubectl("wait", "deployment/prediction-api", replicas, "--timeout=240s");
    // kube-proxy learns of ready pods a moment later. If it fails to change the rules of iptables,
    // it tries again after 30 s.
    const options = { timeout: 180_000, interval: 200 };
    await vi
      .waitFor(() => this.ask("/predict", {}), options)
      .catch((cause: unknown) => {
        const log = this.node.logOf("kube-proxy");
        throw new Error(`the Service does not answer; the log of kube-proxy:\n${log}`, { cause });
      });
  }

  async destroy(): Promise<void> {
    await this.#stack.destroy();
  }

  /** Starts to delete the namespace with everything in it. */
  async remove(): Promise<void> {
    await this.node.kubectl(
      "delete",
      "namespace",
      this.namespace,
      "--ignore-not-found",
      "--wait=false",
    );
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.node.kubectl("--namespace", this.namespace, ...args);
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
    this.#address ??= await this.#serviceAddress();
    const response = await fetch(`http://${this.#address}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    return { status: response.status, body: await response.json(), headers: response.headers };
  }

  #serviceAddress(): Promise<string> {
    const address = "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}";
    return this.kubectl("get", "service", "prediction-service", "--output", address);
  }
}
