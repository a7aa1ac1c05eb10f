import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { docker } from "../../../test/docker.ts";

const run = promisify(execFile);
const script = join(import.meta.dirname, "../../../../shared/k8s/cluster.sh");

/** A whole Kubernetes node on this machine, which has room for one. */
export class KubernetesNode {
  static readonly name = "test-node";
  /** Holds the logs of its parts. */
  readonly folder: string;
  readonly kubeconfig: string;
  readonly #kubectl: string;

  private constructor(folder: string, kubectl: string) {
    this.folder = folder;
    this.kubeconfig = join(folder, "kubeconfig");
    this.#kubectl = kubectl;
  }

  /** Whether this machine can be a node. */
  static isPossible(): boolean {
    return process.getuid?.() === 0 && existsSync(script);
  }

  static async start(): Promise<KubernetesNode> {
    const folder = mkdtempSync(join(tmpdir(), "kubernetes-node-"));
    const { stdout } = await run(script, ["up", "node", folder]);
    return new KubernetesNode(folder, /^KUBECTL=(.*)$/m.exec(stdout)?.[1] ?? "kubectl");
  }

  async stop(): Promise<void> {
    await run(script, ["down", this.folder]);
    rmSync(this.folder, { recursive: true });
  }

  /** The command that stops a node which was left running. */
  get howToStop(): string {
    return `${script} down ${this.folder}`;
  }

  /** The command line of kubectl for this node. */
  kubectlCommand(...args: readonly string[]): readonly [string, readonly string[]] {
    return [this.#kubectl, ["--kubeconfig", this.kubeconfig, ...args]];
  }

  /** Runs kubectl; gives what it prints. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(...this.kubectlCommand(...args));
    return stdout.trimEnd();
  }

  /** Brings an image of Docker's to the node. */
  async load(image: string): Promise<void> {
    const file = join(this.folder, "image.tar");
    docker("save", "--output", file, image);
    await run(script, ["load", this.folder, file]);
    rmSync(file);
  }

  /** The process that a container runs. */
  async processOf(containerId: string): Promise<number> {
    const socket = join(this.folder, "containerd.sock");
    const { stdout } = await run("ctr", ["--address", socket, "-n", "k8s.io", "tasks", "ls"]);
    const id = containerId.replace(/^containerd:\/\//, "");
    return Number(new RegExp(`^${id}\\s+(\\d+)`, "m").exec(stdout)?.[1]);
  }
}
