import { Provider as DockerProvider } from "@pulumi/docker";
import { Provider as KubernetesProvider } from "@pulumi/kubernetes";
import type { Settings } from "./config.ts";
import { findMinikubeDaemon, getMinikubeNode, type MinikubeNode } from "./minikube.ts";

/** The providers that build and deploy the stack. */
export interface Providers {
  /** Deploys to the configured context, never to the current one. */
  readonly kubernetes: KubernetesProvider;
  /** Builds the image: in Minikube, or on this machine if the image is pushed. */
  readonly docker: DockerProvider;
  /** The node of Minikube. Empty for any other cluster. */
  readonly node: Partial<MinikubeNode>;
}

/** Creates the providers: for any cluster if there is a registry, otherwise for Minikube. */
export function createProviders(settings: Settings): Providers {
  const { kubeContext, minikubeProfile: profile = kubeContext, registry } = settings;
  // With an empty `kubeconfig`, the provider loads the files in KUBECONFIG like kubectl does. By
  // default, the SDK sets it to the value of KUBECONFIG, which the provider would read as one path.
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
