import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { startLocalService } from "./local-service.ts";
import { fitting, type MachineOptions, machine, root, type StartOptions } from "./machine.ts";
import { copyPythonModel, hasPythonModels, type PythonModel } from "./python-models.ts";

const houses = "california-housing";

const clusterTools = ["docker", "minikube", "kubectl", "pulumi"];

/**
 * Runs the real service on a free port, for all tests of a file.
 *
 * @param model the model to serve. By default, a copy of the committed model.
 */
export function serviceForAll(model?: PythonModel) {
  const folder = mkdtempSync(join(tmpdir(), "model-"));
  if (model === undefined) {
    for (const end of ["onnx", "json"]) {
      cpSync(join(root, `model/${houses}.${end}`), join(folder, `${houses}.${end}`));
    }
  } else if (hasPythonModels) {
    copyPythonModel(model, folder);
  }
  const modelName = model?.name ?? houses;
  const service = {
    port: 0,
    folder,
    modelName,
    get modelVersion(): string {
      return JSON.parse(readFileSync(join(folder, `${modelName}.json`), "utf8")).version;
    },
  };
  beforeAll(async () => {
    const { port, stop } = await startLocalService({
      MODEL_PATH: join(folder, `${modelName}.onnx`),
    });
    service.port = port;
    return stop;
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  return service;
}

export type Service = ReturnType<typeof serviceForAll>;

/**
 * Creates a machine with stand-ins for Minikube, kubectl, Pulumi and Docker, and the service as
 * their API.
 */
export function minikubeMachine(service: Service, options: MachineOptions = {}) {
  const host = machine({
    ...fitting,
    standIns: [...clusterTools, "sudo"],
    real: ["curl"],
    ...options,
  });
  const world = join(host.home, "world");
  mkdirSync(world);
  onTestFinished(() => end("hanging", "staying"));
  cpSync(service.folder, join(host.checkout, "model"), { recursive: true });
  if (service.modelName !== houses) {
    const setting = `model: model/${service.modelName}.onnx`;
    host.rewrite("Pulumi.dev.yaml", "minReplicas:", `${setting}\n    minReplicas:`);
  }

  const start = (args: string[], { env, ...how }: StartOptions = {}) =>
    host.start(args, {
      ...how,
      env: {
        WORLD: world,
        API_PORT: String(service.port),
        MODEL_VERSION: service.modelVersion,
        ...env,
      },
    });
  /** Kills stand-ins that still run. */
  function end(...kinds: ("hanging" | "staying")[]): void {
    for (const kind of kinds) {
      const file = join(world, `${kind}.pid`);
      // An empty file would be read as process 0, which is the test's own process group.
      const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
      if (pid === 0) continue;
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
  }
  /** Lets a stand-in continue that waits at `SLOW_AT`. */
  const release = () => writeFileSync(join(world, "continue"), "");
  const state = (path: string) => join(host.checkout, ".state", path);
  return {
    ...host,
    world: (path: string) => join(world, path),
    /**
     * Sets what `minikube status` reports for the node; undefined means that there is no profile.
     */
    setHost(status: string | undefined): void {
      if (status === undefined) rmSync(join(world, "host"), { force: true });
      else writeFileSync(join(world, "host"), status);
    },
    state,
    start,
    end,
    release,
    run: (args: string[], how?: StartOptions) => start(args, how).ended,
    /** The calls that change something, without their options. */
    steps: () =>
      host
        .calls()
        .map((call) => call.replace(/^kubectl --context \S+/, "kubectl").replace(/ -.*/, ""))
        .filter((call) => /^(minikube|pulumi|kubectl delete)/.test(call))
        .filter((call) => !/^(minikube (status|ip)|pulumi stack export)/.test(call)),
    isDeployed: () => existsSync(join(world, "namespace")),
  };
}
