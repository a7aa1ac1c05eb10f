import { execFileSync } from "node:child_process";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

const DockerEnvironment = z.object({
  DOCKER_HOST: z.string().min(1),
  DOCKER_CERT_PATH: z.string().min(1),
});

/** The address of the Docker daemon inside Minikube. */
export interface MinikubeDaemon {
  readonly host: string;
  readonly certPath: string;
}

/** The node of Minikube, which runs its pods and its Docker daemon. */
export interface MinikubeNode {
  /** Changes after `minikube delete`, but not after `minikube stop`. */
  readonly nodeId: pulumi.Output<string>;
  /** The platform of images, such as `linux/arm64`. */
  readonly platform: pulumi.Output<string>;
}

function dockerEnv(profile: string): string {
  try {
    return execFileSync("minikube", ["docker-env", "--shell", "none", "-p", profile], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
    });
  } catch (error) {
    const { code, stderr } = z
      .object({ code: z.string().optional(), stderr: z.string().default("") })
      .parse(error);
    const reason = code === "ENOENT" ? "minikube is not on the PATH." : stderr.trim();
    throw new pulumi.RunError(
      `Minikube's Docker daemon can't be reached. Start it: minikube start -p ${profile}\n${reason}`,
    );
  }
}

/**
 * Asks Minikube for its Docker daemon.
 *
 * @throws {pulumi.RunError} if Minikube is missing or stopped, with the command to run
 */
export function findMinikubeDaemon(profile: string): MinikubeDaemon {
  const lines = dockerEnv(profile).split(/\r?\n/);
  const values = Object.fromEntries(lines.map((line) => line.split(/=(.*)/, 2)));
  const parsed = DockerEnvironment.safeParse(values);
  if (!parsed.success) {
    throw new pulumi.RunError(
      `minikube docker-env -p ${profile} printed no DOCKER_HOST or DOCKER_CERT_PATH.` +
        " Minikube must use Docker as its container runtime: minikube start --container-runtime docker",
    );
  }
  return { host: parsed.data.DOCKER_HOST, certPath: parsed.data.DOCKER_CERT_PATH };
}

/** Reads the node, which has the name of the profile. */
export function getMinikubeNode(profile: string, provider: k8s.Provider): MinikubeNode {
  const node = k8s.core.v1.Node.get("minikube", profile, { provider });
  return {
    nodeId: node.metadata.uid,
    platform: pulumi.interpolate`linux/${node.status.nodeInfo.architecture}`,
  };
}
