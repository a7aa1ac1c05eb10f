/**
 * Deploys the program to a real Kubernetes API server without the Pulumi CLI and its plug-ins.
 *
 *     const stack = new DeployedStack({ kubeconfig, buildImage });
 *     const { outputs } = await stack.up(dev);       // applies; then removes what it dropped
 *     await stack.destroy();                         // removes all, the namespace at last
 *
 * Each resource is applied once the server took all that it depends on, with strict validation: a
 * refusal or a warning ends the program with exit code 32 and the server's words in the log. As the
 * CLI does, `up` keeps the inputs that a resource ignores changes of, and replaces a Secret whose data
 * is another. Nothing waits for pods to be
 * ready. The program asks the `minikube` of `environment.PATH` for its daemon, by default the
 * stand-in beside this file, and the server for the node named by `minikubeProfile`.
 */

import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { KubernetesApi, KubernetesObject } from "./kubernetes-api.ts";
import { type RunResult, runProgram } from "./pulumi-runner.ts";
import type { Properties, Registration } from "./registration.ts";
import type { StackConfig } from "./stack-config.ts";

/** What a {@link DeployedStack} needs. */
export interface DeployedStackOptions {
  /** The path of the cluster's kubeconfig. */
  readonly kubeconfig: string;
  /** Builds what a `docker.Image` asks for; default nothing, and an image of no content. */
  readonly buildImage?: (inputs: Properties) => Promise<{ imageName: string; repoDigest: string }>;
  /** Whether the cluster has controllers, which finalize its namespaces; default false. */
  readonly hasControllers?: boolean;
  /** Added to the program's environment. */
  readonly environment?: Record<string, string>;
}

const standIns = join(import.meta.dirname, "stand-ins");

const namesOnly = async ({ imageName }: Properties) => {
  return { imageName: String(imageName), repoDigest: `${imageName}@sha256:${"0".repeat(64)}` };
};

/** The program's resources in a real cluster. */
export class DeployedStack {
  /** The cluster. */
  readonly api: KubernetesApi;
  readonly #options: DeployedStackOptions;
  /** What is there, by URN, in the order it came. */
  readonly #applied = new Map<string, KubernetesObject>();

  constructor(options: DeployedStackOptions) {
    this.#options = options;
    this.api = new KubernetesApi(options.kubeconfig, options.hasControllers ?? false);
  }

  /** The objects that are there, in the order they came. */
  get objects(): KubernetesObject[] {
    return [...this.#applied.values()];
  }

  /** Deploys a configuration, and if that succeeds removes what only earlier ones had. */
  async up(stack: StackConfig): Promise<RunResult> {
    const { PATH } = process.env;
    const registered = new Set<string>();
    const result = await runProgram({
      stack,
      environment: { PATH: `${standIns}:${PATH}`, ...this.#options.environment },
      engine: {
        create: async (registration) => {
          registered.add(registration.urn);
          return this.#create(registration);
        },
        read: (type, id) => this.#read(type, id),
      },
    });
    if (result.exitCode === 0) await this.#remove((urn) => !registered.has(urn));
    return result;
  }

  /** Removes all that was deployed. */
  async destroy(): Promise<void> {
    await this.#remove(() => true);
  }

  async #create(registration: Registration): Promise<Properties> {
    const { type, urn, inputs, ignoreChanges } = registration;
    if (type === "docker:index/image:Image") {
      const { buildImage = namesOnly } = this.#options;
      return { ...inputs, ...(await buildImage(inputs)) };
    }
    if (!type.startsWith("kubernetes:")) return inputs;
    const earlier = this.#applied.get(urn);
    const kept = Object.entries(earlier ?? {}).filter(([key]) => ignoreChanges.includes(key));
    const object = KubernetesObject.parse({ ...inputs, ...Object.fromEntries(kept) });
    if (object.kind === "Secret" && earlier && !isDeepStrictEqual(earlier, object)) {
      await this.api.delete(earlier);
    }
    const state = await this.api.apply(object);
    if (object.kind === "Deployment") await this.api.admit(object);
    this.#applied.set(urn, object);
    return state;
  }

  async #read(type: string, name: string): Promise<Properties> {
    const [, version = "", kind = ""] = type.split(/:(?:core\/)?/);
    const found = await this.api.get({ apiVersion: version, kind, metadata: { name } });
    if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
    return found;
  }

  async #remove(isUnwanted: (urn: string) => boolean): Promise<void> {
    for (const [urn, object] of [...this.#applied].reverse()) {
      if (!isUnwanted(urn)) continue;
      await this.api.delete(object);
      this.#applied.delete(urn);
    }
  }
}
