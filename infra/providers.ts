import { Provider as DockerProvider } from "@pulumi/docker";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes";
import type { Settings } from "./config.ts";
import { findMinikubeDaemon, getMinikubeNode, type MinikubeNode } from "./minikube.ts";

/** Whom the stack is built and deployed by. */
export interface Providers {
  /** Deploys to the configured context, never to the current one. */
  readonly kubernetes: KubernetesProvider;
  /** Builds where the cluster finds the image: in Minikube, or here if it is then pushed. */
  readonly docker: DockerProvider;
  /** Minikube's node, where Minikube is the target. */
  readonly node: Partial<MinikubeNode>;
}

/** Sets up the providers: for Minikube, or if there is a registry to push to, for any cluster. */
export function createProviders(settings: Settings): Providers {
  const { kubeContext, minikubeProfile: profile = kubeContext, registry } = settings;
  // An empty `kubeconfig` makes the provider load KUBECONFIG as kubectl does, which merges all files
  // that it lists. By default, the SDK passes the whole list on as the path of one file.
  const kubernetes = new KubernetesProvider("kubernetes", { context: kubeContext, kubeconfig: "" });
  if (registry !== undefined) {
    return { kubernetes, docker: new DockerProvider("docker", {}), node: {} };
  }
  return {
    kubernetes,
    docker: new DockerProvider("docker", findMinikubeDaemon(profile)),
    node: getMinikubeNode(profile, kubernetes),
  };
}
