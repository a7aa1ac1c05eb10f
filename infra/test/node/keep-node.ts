/**
 * Deploys the stack to a whole Kubernetes node on this machine, and keeps both running until Ctrl-C.
 * Needs root and a Docker daemon that has the base images:
 *
 *     node infra/test/node/keep-node.ts
 */

import { once } from "node:events";
import { StackOnNode } from "./stack-on-node.ts";
import { startNode } from "./start-node.ts";

const { node, stop } = await startNode();
try {
  const stack = new StackOnNode(node, "w255", 2);
  await stack.deploy();
  await stack.ready();
  process.stdout.write(`export KUBECONFIG=${node.kubeconfig}\nPress Ctrl-C to stop the node.\n`);
  await once(process, "SIGINT");
} finally {
  await stop();
}
