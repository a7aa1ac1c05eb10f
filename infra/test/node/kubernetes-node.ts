import { execFile, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { docker } from "../../../test/docker.ts";

const run = promisify(execFile);
const script = join(import.meta.dirname, "../../../../shared/k8s/cluster.sh");

/** Contains the id of the process that started a node. */
const ownerFile = "owner";

/** The address of the Service in front of cluster DNS. */
export const clusterDns = "10.96.0.10";

/** Where pods find NodeLocal DNSCache: an address of the node, not of a pod. */
export const nodeLocalDns = "169.254.20.10";

const podAddresses = "10.244.0.0/24";

/** The test cluster enforces NetworkPolicies between pods only. */
const dnsRule = ["INPUT", "-s", podAddresses, "-d", nodeLocalDns];

/** The new connections that the policy agent decides about. */
const policyRules = [["FORWARD", "-s", podAddresses], ["FORWARD", "-d", podAddresses], dnsRule];

/** Runs a command of the node's operating system. */
export async function runOnNode(command: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, args);
  return stdout;
}

/** Adds or removes a rule of iptables that lets the policy agent decide about new connections. */
async function changePolicyRule(action: "-I" | "-D", rule: readonly string[]): Promise<void> {
  const ask = "-m conntrack --ctstate NEW -j NFQUEUE --queue-num 100".split(" ");
  await runOnNode("iptables", action, ...rule, ...ask);
}

/** Returns whether the process that started a node ended without stopping it. */
function isLeftBehind(folder: string): boolean {
  const owner = join(folder, ownerFile);
  return !existsSync(owner) || !existsSync(`/proc/${readFileSync(owner, "utf8")}`);
}

/**
 * Starts a node in a temporary folder. Waits at most ten minutes for the node of another process.
 *
 * @throws {Error} with what the script prints if it fails each time. It can fail because another
 *   process takes a port that was free before
 */
async function upWhenFree(): Promise<RunningNode> {
  const env = { ...process.env, NETWORK_POLICIES: "on" };
  const deadlineMs = Date.now() + 600_000;
  for (let attempts = 3; ; ) {
    const folder = mkdtempSync(join(tmpdir(), "kubernetes-node-"));
    writeFileSync(join(folder, ownerFile), String(process.pid));
    try {
      const { stdout } = await run(script, ["up", "node", folder], { env });
      return { folder, kubectl: /^KUBECTL=(.*)$/m.exec(stdout)?.[1] ?? "kubectl" };
    } catch (error) {
      const [, other] = /another test node is up: \S+ down (.+)/.exec(String(error)) ?? [];
      if (other === undefined) {
        await removeNode(folder);
        if (--attempts === 0) throw error;
        continue;
      }
      rmSync(folder, { recursive: true });
      if (Date.now() > deadlineMs) throw error;
      if (isLeftBehind(other)) await removeNode(other);
      else await delay(2_000);
    }
  }
}

async function removeNode(folder: string): Promise<void> {
  // Without this folder, the script assumes that the node never started.
  mkdirSync(join(folder, "cni"), { recursive: true });
  await run(script, ["down", folder]);
  rmSync(folder, { recursive: true });
  // This rule is missing if the start was interrupted.
  await changePolicyRule("-D", dnsRule).catch(() => undefined);
}

/** Describes a node to other processes. */
export interface RunningNode {
  /** Contains the kubeconfig, and the logs of the node's components. */
  readonly folder: string;
  /** The path of kubectl. */
  readonly kubectl: string;
}

/** A whole Kubernetes node on this machine, which has room for one. It enforces NetworkPolicies. */
export class KubernetesNode {
  static readonly name = "test-node";
  readonly running: RunningNode;
  readonly kubeconfig: string;

  /** Connects to a running node, which another process may have started. */
  constructor(running: RunningNode) {
    this.running = running;
    this.kubeconfig = join(running.folder, "kubeconfig");
  }

  /** Returns whether this machine can be a node. */
  static isPossible(): boolean {
    return process.getuid?.() === 0 && existsSync(script);
  }

  /** Starts a node as soon as no other process has one on this machine. */
  static async start(): Promise<KubernetesNode> {
    const node = new KubernetesNode(await upWhenFree());
    await changePolicyRule("-I", dnsRule);
    // By default, the autoscaler creates missing pods only every 15 s.
    const syncOften = "--horizontal-pod-autoscaler-sync-period=1s";
    await node.#restart("kube-controller-manager", syncOften);
    return node;
  }

  async stop(): Promise<void> {
    await removeNode(this.running.folder);
  }

  /** Returns the command line of kubectl for this node. */
  kubectlCommand(...args: readonly string[]): readonly [string, readonly string[]] {
    return [this.running.kubectl, ["--kubeconfig", this.kubeconfig, ...args]];
  }

  /** Runs kubectl and returns what it prints. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(...this.kubectlCommand(...args));
    return stdout.trimEnd();
  }

  /** Copies images from the Docker daemon to the node. */
  async load(...images: readonly string[]): Promise<void> {
    const file = join(this.running.folder, "images.tar");
    docker("save", "--output", file, ...images);
    await run(script, ["load", this.running.folder, file]);
    rmSync(file);
  }

  /** Gives an image of the node another name. */
  async tag(image: string, name: string): Promise<void> {
    const [from, to] = [image, name].map((each) => `docker.io/library/${each}`);
    await this.#containerd("images", "tag", String(from), String(to));
  }

  /** Returns the id of the process that a container runs. */
  async processOf(containerId: string): Promise<number> {
    const tasks = await this.#containerd("tasks", "ls");
    const id = containerId.replace(/^containerd:\/\//, "");
    return Number(new RegExp(`^${id}\\s+(\\d+)`, "m").exec(tasks)?.[1]);
  }

  async #containerd(...args: readonly string[]): Promise<string> {
    const socket = join(this.running.folder, "containerd.sock");
    return runOnNode("ctr", "--address", socket, "-n", "k8s.io", ...args);
  }

  /** Makes {@link nodeLocalDns} the DNS server of pods that start from now on. */
  async useNodeLocalDns(): Promise<void> {
    const configuration = join(this.running.folder, "kubelet.yaml");
    const before = readFileSync(configuration, "utf8");
    writeFileSync(configuration, before.replace(clusterDns, nodeLocalDns));
    await this.#restart("kubelet");
  }

  /** Returns what a component of the node has logged. */
  logOf(component: string): string {
    return readFileSync(this.#logFile(component), "utf8");
  }

  #logFile(component: string): string {
    return join(this.running.folder, "log", `${component}.log`);
  }

  /** Restarts a component of the node. Pods keep running. */
  async #restart(component: string, ...moreArgs: readonly string[]): Promise<void> {
    const { folder } = this.running;
    const pidFile = join(folder, "pid", component);
    const pid = Number(readFileSync(pidFile, "utf8"));
    const [command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    process.kill(pid, "SIGTERM");
    while (existsSync(`/proc/${pid}`)) await delay(50);
    const log = openSync(this.#logFile(component), "a");
    const restarted = spawn(command, [...args.slice(0, -1), ...moreArgs], {
      detached: true,
      stdio: ["ignore", log, log],
    });
    restarted.unref();
    writeFileSync(pidFile, `${restarted.pid}\n`);
  }

  /** Runs a function while pods may connect to anything. */
  async withoutPolicies<Result>(act: () => Promise<Result>): Promise<Result> {
    for (const rule of policyRules) await changePolicyRule("-D", rule);
    try {
      return await act();
    } finally {
      for (const rule of policyRules) await changePolicyRule("-I", rule);
    }
  }
}
