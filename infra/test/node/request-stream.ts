import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { KubernetesNode } from "./kubernetes-node.ts";

const Summary = z.object({ sent: z.number(), failures: z.array(z.string()) });

/** A steady stream of prediction requests that a pod sends through the Service. */
export interface RequestStream {
  /** Ends the stream and its pod. Resolves with the number of requests and all failures. */
  end(): Promise<z.infer<typeof Summary>>;
}

const client = readFileSync(join(import.meta.dirname, "steady-client.ts"), "utf8");

/** Starts a stream. Resolves once requests are sent. `image` must have Node.js. */
export async function startRequestStream(
  node: KubernetesNode,
  image: string,
  target: string,
): Promise<RequestStream> {
  const how = ["--stdin", "--rm", "--quiet", "--restart=Never", "--image-pull-policy=Never"];
  const what = ["--image", image, "--env", `TARGET=${target}`, "--command", "--"];
  const run = ["node", "--input-type=module-typescript", "--eval", client];
  const [command, args] = node.kubectlCommand("run", "client", ...how, ...what, ...run);
  const pod = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(pod, "close");
  let line = "";
  const output = createInterface(pod.stdout).on("line", (text) => (line = text));
  await Promise.race([once(output, "line"), closed]);
  return {
    async end() {
      if (pod.exitCode !== null) throw new Error(`the stream ended after ${line} requests`);
      pod.stdin.end();
      await closed;
      return Summary.parse(JSON.parse(line));
    },
  };
}
