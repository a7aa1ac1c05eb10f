import { join } from "node:path";
import { z } from "zod";
import { docker } from "../../../test/docker.ts";
import { pathWithMinikube } from "../path-with-minikube.ts";
import { runProgram } from "../pulumi-runner.ts";
import type { Properties } from "../registration.ts";
import { KubernetesNode } from "./kubernetes-node.ts";
import { startNodeLocalDns } from "./node-local-dns.ts";
import { baseImages, configOnNode } from "./stack-on-node.ts";

const infra = join(import.meta.dirname, "../..");

const Image = z.object({
  imageName: z.string(),
  build: z.object({
    context: z.string(),
    dockerfile: z.string(),
    platform: z.string(),
    args: z.record(z.string(), z.string()),
  }),
});

function build(inputs: Properties): string {
  const { imageName, build } = Image.parse(inputs);
  const from = ["--platform", build.platform, "--file", join(infra, build.dockerfile)];
  const args = Object.entries(build.args).flatMap((pair) => ["--build-arg", pair.join("=")]);
  docker("build", "--tag", imageName, ...from, ...args, join(infra, build.context));
  return imageName;
}

/**
 * Builds the image of the service with the arguments that the program sets.
 *
 * @returns its name
 */
async function buildServiceImage(): Promise<string> {
  const architecture = docker("version", "--format", "{{.Server.Arch}}");
  const built: string[] = [];
  const { exitCode, log } = await runProgram({
    stack: configOnNode("unused", 1),
    isPreview: true,
    environment: { PATH: pathWithMinikube },
    engine: {
      async create({ type, inputs }) {
        if (type === "docker:index/image:Image") built.push(build(inputs));
        return inputs;
      },
      read: async () => ({ metadata: { uid: "any" }, status: { nodeInfo: { architecture } } }),
    },
  });
  const [image] = built;
  if (exitCode !== 0 || image === undefined) throw new Error(log);
  return image;
}

/**
 * Starts a node with NodeLocal DNSCache and with all images that the stack runs.
 *
 * @returns the node, and a function that stops it
 */
export async function startNode() {
  const starting = KubernetesNode.start();
  try {
    const [node, image] = await Promise.all([starting, buildServiceImage()]);
    await node.load(...Object.values(baseImages), image);
    docker("image", "rm", image);
    const stopDns = await startNodeLocalDns(node);
    return {
      node,
      async stop(): Promise<void> {
        await stopDns();
        await node.stop();
      },
    };
  } catch (error) {
    await (await starting).stop();
    throw error;
  }
}
