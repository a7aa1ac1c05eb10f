/**
 * Deploys the program to a real Kubernetes API server without the Pulumi CLI and its plug-ins.
 *
 * const stack = new DeployedStack({ kubeconfig, buildImage }); const { outputs } = await
 * stack.up(dev); // applies the stack, then deletes what it dropped await stack.destroy(); //
 * removes everything, the namespace last
 *
 * A resource is applied after its dependencies, with strict validation. If the server refuses it or
 * sends a warning, the program ends with exit code 32, and the log has the server's message. As
 * with the CLI, `up` keeps inputs whose changes a resource ignores, generates a password once, and
 * replaces a Secret with changed data. Nothing waits for pods to be ready. The program asks
 * `minikube` on the PATH for its daemon (by default the one in `stand-ins`), and the server for the
 * node that `minikubeProfile` names.
 */

import { isDeepStrictEqual } from "node:util";
import { KubernetesApi, KubernetesObject } from "./kubernetes-api.ts";
import { pathWithMinikube } from "./path-with-minikube.ts";
import { type RunResult, runProgram } from "./pulumi-runner.ts";
import { randomPassword, randomPasswordType } from "./random-password.ts";
import type { Properties, Registration } from "./registration.ts";
import type { StackConfig } from "./stack-config.ts";

/** The options of a {@link DeployedStack}. */
export interface DeployedStackOptions {
  /** The path of the kubeconfig of the cluster. */
  readonly kubeconfig: string;
  /** Builds a `docker.Image`. By default, nothing is built. */
  readonly buildImage?: (inputs: Properties) => Promise<{ imageName: string; repoDigest: string }>;
  /** Whether the cluster has controllers, which finalize namespaces. By default, it has none. */
  readonly hasControllers?: boolean;
  /** Variables that the program gets in addition to those of this process. */
  readonly environment?: Record<string, string>;
}

const namesOnly = async ({ imageName }: Properties) => {
  return { imageName: String(imageName), repoDigest: `${imageName}@sha256:${"0".repeat(64)}` };
};

/** The resources of the program in a real cluster. */
export class DeployedStack {
  readonly api: KubernetesApi;
  readonly #options: DeployedStackOptions;
  /** The applied objects by URN, in the order in which they were created. */
  readonly #applied = new Map<string, KubernetesObject>();
  /** The properties of each RandomPassword by URN. */
  readonly #passwords = new Map<string, Properties>();

  constructor(options: DeployedStackOptions) {
    this.#options = options;
    this.api = new KubernetesApi(options.kubeconfig, options.hasControllers ?? false);
  }

  /** The applied objects, in the order in which they were created. */
  get objects(): KubernetesObject[] {
    return [...this.#applied.values()];
  }

  /** Deploys a configuration. If that succeeds, removes objects that the configuration dropped. */
  async up(stack: StackConfig): Promise<RunResult> {
    const registered = new Set<string>();
    const result = await runProgram({
      stack,
      environment: { PATH: pathWithMinikube, ...this.#options.environment },
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

  /** Removes each RandomPassword from the state, as if the stack had been deployed without one. */
  forgetPasswords(): void {
    this.#passwords.clear();
  }

  /** Removes everything. */
  async destroy(): Promise<void> {
    await this.#remove(() => true);
  }

  async #create(registration: Registration): Promise<Properties> {
    const { type, urn, inputs, ignoreChanges } = registration;
    if (type === "docker:index/image:Image") {
      const { buildImage = namesOnly } = this.#options;
      return { ...inputs, ...(await buildImage(inputs)) };
    }
    if (type === randomPasswordType) {
      const password = this.#passwords.get(urn) ?? { ...inputs, ...randomPassword(inputs) };
      this.#passwords.set(urn, password);
      return password;
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
    if (found === undefined) throw new Error(`the cluster has no ${kind} ${name}`);
    return found;
  }

  async #remove(isUnwanted: (urn: string) => boolean): Promise<void> {
    for (const [urn, object] of [...this.#applied].reverse()) {
      if (!isUnwanted(urn)) continue;
      await this.api.delete(object);
      this.#applied.delete(urn);
    }
    for (const urn of [...this.#passwords.keys()].filter(isUnwanted)) this.#passwords.delete(urn);
  }
}
