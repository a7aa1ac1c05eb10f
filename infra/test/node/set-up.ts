import type { TestProject } from "vitest/node";
import { dockerAnswers } from "../../../test/docker.ts";
import { KubernetesNode, type RunningNode } from "./kubernetes-node.ts";
import { startNode } from "./start-node.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The node for all tests, or why it could not be started. Undefined without its prerequisites. */
    node: RunningNode | { readonly failure: string } | undefined;
  }
}

/**
 * Starts a Kubernetes node before the tests that need one, if this machine can be a node.
 *
 * @returns a function that stops it
 */
export async function setup({ provide }: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!dockerAnswers() || !KubernetesNode.isPossible()) return undefined;
  process.stdout.write("Starting a Kubernetes node and building the image of the service…\n");
  try {
    const { node, stop } = await startNode();
    provide("node", node.running);
    return stop;
  } catch (error) {
    provide("node", { failure: String(error) });
    return undefined;
  }
}
