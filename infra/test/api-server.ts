import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testNeeding } from "../../test/prerequisite.ts";
import { KubernetesApi } from "./kubernetes-api.ts";

const cluster = join(import.meta.dirname, "../../../shared/k8s/cluster.sh");
const has = (command: string) => spawnSync(command, ["--help"]).error === undefined;
const canRun = existsSync(cluster) && ["etcd", "zstd", "openssl"].every(has);

/** A test that needs an API server. */
export const apiServerTest = testNeeding(canRun);

/**
 * Starts a cluster in a temporary folder.
 *
 * @throws {Error} with what the script prints if it fails each time. It can fail because another
 *   process takes a port that was free before
 */
function startCluster(attempts = 3) {
  const folder = mkdtempSync(join(tmpdir(), "api-server-"));
  try {
    const how = { encoding: "utf8", stdio: "pipe" } as const;
    const printed = execFileSync(cluster, ["up", "api", folder], how);
    return { folder, kubectl: /^KUBECTL=(.*)$/m.exec(printed)?.[1] ?? "" };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (attempts === 1) throw error;
    return startCluster(attempts - 1);
  }
}

/** A real API server without controllers, in a temporary folder. */
export class ApiServer {
  readonly folder: string;
  readonly kubeconfig: string;
  /** The path of kubectl. */
  readonly kubectl: string;
  readonly api: KubernetesApi;

  private constructor(folder: string, kubectl: string) {
    this.folder = folder;
    this.kubeconfig = join(folder, "kubeconfig");
    this.kubectl = kubectl;
    this.api = new KubernetesApi(this.kubeconfig, false);
  }

  /** Starts an API server with the node of Minikube. Undefined without its prerequisites. */
  static async start(): Promise<ApiServer | undefined> {
    if (!canRun) return undefined;
    const { folder, kubectl } = startCluster();
    const server = new ApiServer(folder, kubectl);
    await server.#addNode();
    return server;
  }

  stop(): void {
    execFileSync(cluster, ["down", this.folder], { stdio: "pipe" });
    rmSync(this.folder, { recursive: true });
  }

  /** Creates the node of Minikube. Without a kubelet, no node registers itself. */
  async #addNode(): Promise<void> {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "minikube" } };
    await this.api.apply(node);
    const text = { architecture: "amd64", operatingSystem: "linux" };
    const others = "bootID containerRuntimeVersion kernelVersion kubeProxyVersion kubeletVersion";
    const empty = Object.fromEntries(
      [...others.split(" "), "machineID", "osImage", "systemUUID"].map((key) => [key, ""]),
    );
    const status = { status: { nodeInfo: { ...empty, ...text } } };
    const path = `${await this.api.path(node)}/status`;
    await this.api.request("PATCH", path, status, "application/merge-patch+json");
  }
}
