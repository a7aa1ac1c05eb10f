/**
 * Deploys the stack to a whole Kubernetes node on this machine and checks it there. Needs root and
 * a Docker daemon that has the base images:
 *
 *     node infra/test/containers/whole-node.ts [--keep]
 *
 * With `--keep`, the stack and the node keep running until Ctrl-C.
 */

import { once } from "node:events";
import { parseArgs } from "node:util";
import { checks } from "./checks.ts";
import { NodeUnderTest } from "./node-under-test.ts";

const { values } = parseArgs({ options: { keep: { type: "boolean", default: false } } });
const print = (text: string) => process.stdout.write(`${text}\n`);

const on = await NodeUnderTest.start();
try {
  for (const { name, run } of values.keep ? checks.slice(0, -1) : checks) {
    print(`${name}: ${await run(on)}`);
  }
} finally {
  if (values.keep) {
    print(`export KUBECONFIG=${on.node.kubeconfig}\nPress Ctrl-C to stop the node.`);
    await once(process, "SIGINT");
  }
  await on.stop();
}
