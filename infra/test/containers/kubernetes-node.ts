import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { docker } from "../../../test/docker.ts";

const run = promisify(execFile);
const script = join(import.meta.dirname, "../../../../shared/k8s/cluster.sh");

/** The address of the Service in front of cluster DNS. */
export const clusterDns = "10.96.0.10";

const podAddresses = "10.244.0.0/24";

/** Runs a command of the node's operating system. */
export async function runOnNode(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args);
  return stdout;
}

/** A whole Kubernetes node on this machine, which has room for one. It enforces NetworkPolicies. */
export class KubernetesNode {
  static readonly name = "test-node";
  /** Contains the logs of the node's components. */
  readonly folder: string;
  readonly kubeconfig: string;
  readonly #kubectl: string;
  /** Which new connections iptables asks the policy agent about. */
  readonly #policyRules: string[][] = [
    ["FORWARD", "-s", podAddresses],
    ["FORWARD", "-d", podAddresses],
  ];

  private constructor(folder: string, kubectl: string) {
    this.folder = folder;
    this.kubeconfig = join(folder, "kubeconfig");
    this.#kubectl = kubectl;
  }

  /** Returns whether this machine can be a node. */
  static isPossible(): boolean {
    return process.getuid?.() === 0 && existsSync(script);
  }

  static async start(): Promise<KubernetesNode> {
    const folder = mkdtempSync(join(tmpdir(), "kubernetes-node-"));
    const env = { ...process.env, NETWORK_POLICIES: "on" };
    const { stdout } = await run(script, ["up", "node", folder], { env });
    return new KubernetesNode(folder, /^KUBECTL=(.*)$/m.exec(stdout)?.[1] ?? "kubectl");
  }

  async stop(): Promise<void> {
    await this.stopEnforcingPolicies();
    await run(script, ["down", this.folder]);
    rmSync(this.folder, { recursive: true });
  }

  /** Returns the command line of kubectl for this node. */
  kubectlCommand(...args: readonly string[]): readonly [string, readonly string[]] {
    return [this.#kubectl, ["--kubeconfig", this.kubeconfig, ...args]];
  }

  /** Runs kubectl and returns what it prints. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(...this.kubectlCommand(...args));
    return stdout.trimEnd();
  }

  /** Copies an image from the Docker daemon to the node. */
  async load(image: string): Promise<void> {
    const file = join(this.folder, "image.tar");
    docker("save", "--output", file, image);
    await run(script, ["load", this.folder, file]);
    rmSync(file);
  }

  /** Returns the id of the process that a container runs. */
  async processOf(containerId: string): Promise<number> {
    const socket = join(this.folder, "containerd.sock");
    const { stdout } = await run("ctr", ["--address", socket, "-n", "k8s.io", "tasks", "ls"]);
    const id = containerId.replace(/^containerd:\/\//, "");
    return Number(new RegExp(`^${id}\\s+(\\d+)`, "m").exec(stdout)?.[1]);
  }

  /**
   * Changes the DNS server of pods that start from now on, and enforces NetworkPolicies on the way
   * to it.
   */
  async setDnsServer(address: string): Promise<void> {
    await this.#changeKubelet((configuration) => configuration.replace(clusterDns, address));
    const rule = ["INPUT", "-s", podAddresses, "-d", address];
    await this.#iptables("-I", rule);
    this.#policyRules.push(rule);
  }

  /** Restarts the kubelet with another configuration. Pods keep running. */
  async #changeKubelet(change: (configuration: string) => string): Promise<void> {
    const configuration = join(this.folder, "kubelet.yaml");
    writeFileSync(configuration, change(readFileSync(configuration, "utf8")));
    const pidFile = join(this.folder, "pid/kubelet");
    const pid = Number(readFileSync(pidFile, "utf8"));
    const [command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    process.kill(pid, "SIGTERM");
    while (existsSync(`/proc/${pid}`)) await delay(50);
    const log = openSync(join(this.folder, "log/kubelet.log"), "a");
    const kubelet = spawn(command, args.slice(0, -1), {
      detached: true,
      stdio: ["ignore", log, log],
    });
    kubelet.unref();
    writeFileSync(pidFile, `${kubelet.pid}\n`);
  }

  /** From now on, pods may connect to anything. */
  async stopEnforcingPolicies(): Promise<void> {
    for (const rule of this.#policyRules.splice(0)) await this.#iptables("-D", rule);
  }

  async #iptables(action: "-I" | "-D", rule: readonly string[]): Promise<void> {
    const ask = "-m conntrack --ctstate NEW -j NFQUEUE --queue-num 100".split(" ");
    await run("iptables", [action, ...rule, ...ask]);
  }
}
