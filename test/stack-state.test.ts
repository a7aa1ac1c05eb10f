import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { waitOptions } from "./wait-options.ts";

const service = serviceForAll();

type Host = ReturnType<typeof minikubeMachine>;

/** Starts a process with the given name. It runs until SIGINT or the test's end. */
function processNamed(name: string): ChildProcess {
  const child = spawn("bash", ["-c", 'exec -a "$0" sleep 300', name], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Kills run.sh and Pulumi with SIGKILL during `pulumi up`. */
async function killDuringDeployment(host: Host): Promise<void> {
  const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" } });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), waitOptions);
  process.kill(pid, "SIGKILL");
  host.end("hanging");
  await ended;
}

describe("the stack's state", () => {
  test("the stack's state is in the checkout, with a passphrase that only the user can read", async () => {
    const host = minikubeMachine(service);

    await host.run(["up"], { env: { PULUMI_CONFIG_PASSPHRASE: "of another stack" } });

    expect(readFileSync(host.state("passphrase"), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(host.state("passphrase")).mode & 0o077).toBe(0);
    const up = host.calls().find((call) => call.startsWith("pulumi up"));
    expect(up).toBe(
      `pulumi up --cwd ${host.checkout} --stack dev --config-file ${host.state("project/Pulumi.dev.yaml")}` +
        " --yes --skip-preview --refresh --suppress-progress",
    );
  });

  test("the stack keeps its salt when the stack file changes", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);

    host.rewrite("Pulumi.dev.yaml", "minReplicas: 2", "minReplicas: 3");
    expect((await host.run(["up"])).status).toBe(0);

    const copy = readFileSync(host.state("project/Pulumi.dev.yaml"), "utf8");
    expect(copy).toContain("minReplicas: 3");
    expect(copy.match(/^encryptionsalt: v1:salt$/gm)).toHaveLength(1);
    expect(host.steps().filter((step) => step === "pulumi stack init dev")).toHaveLength(1);
  });

  test("with PULUMI_BACKEND_URL, the state is in that backend, whose locks are not changed", async () => {
    const host = minikubeMachine(service);
    const backend = host.world("own");
    write(`${backend}/locks/dev/1.json`, '{"pid":1}');
    host.rewrite("Pulumi.dev.yaml", "config:\n", "encryptionsalt: v1:own\nconfig:\n");
    write(host.world("passphrase"), "own");

    const { status } = await host.run([], {
      env: {
        PULUMI_BACKEND_URL: `file://${backend}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: host.world("passphrase"),
      },
    });

    expect(status).toBe(0);
    expect(existsSync(`${backend}/stack`)).toBe(true);
    expect(existsSync(host.state("passphrase"))).toBe(false);
    const copy = readFileSync(host.state("project-of-own-backend/Pulumi.dev.yaml"), "utf8");
    expect(copy.match(/^encryptionsalt: .*$/gm)).toEqual(["encryptionsalt: v1:own"]);
    expect(host.steps()).not.toContain("pulumi cancel");
  });

  test("if the state is lost, the next run first deletes the namespace", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--port-forward"]);
    await host.run(["down", "--port-forward"], { env: { FAILS_AT: "destroy" } });
    writeFileSync(host.world("namespace"), "w255 prediction-service\n");
    rmSync(host.state(""), { recursive: true });

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(stdout).toContain(
      "Deleting the namespace w255 with everything in it: no stack's state contains it.",
    );
    expect(host.isDeployed()).toBe(false);
  });

  test("if the state is lost, a namespace without this project's label is not deleted", async () => {
    const host = minikubeMachine(service);
    writeFileSync(host.world("namespace"), "w255 \n");

    const { status, stderr } = await host.run([]);

    expect(status).toBe(1);
    expect(stderr).toContain("The namespace w255 does not belong to this project");
    expect(host.steps()).not.toContain("kubectl delete namespace w255");
    expect(host.isDeployed()).toBe(true);
  });
});

test("a killed Pulumi's lock is released before the stack is destroyed", async () => {
  const host = minikubeMachine(service);
  const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" } });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), waitOptions);
  write(host.state("backend/locks/dev/1.json"), '{"pid":4194304,"hostname":"here"}');
  process.kill(pid, "SIGTERM");
  await ended;

  expect(host.steps().slice(-3)).toEqual(["pulumi cancel", "pulumi destroy", "minikube stop"]);
});

describe("after kill -9", () => {
  test("after kill -9 during the deployment, the next run deploys from the start and stops Minikube", async () => {
    const host = minikubeMachine(service);
    await killDuringDeployment(host);
    writeFileSync(host.world("namespace"), "w255 prediction-service\n");
    write(host.state("backend/locks/dev/1.json"), '{"pid":4194304,"hostname":"here"}');

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(stdout).toContain("an earlier deployment did not finish");
    const steps = host.steps();
    expect(steps.slice(steps.indexOf("pulumi cancel"), -3)).toEqual([
      "pulumi cancel",
      "kubectl delete namespace w255",
      "pulumi refresh",
      "pulumi up",
      "minikube tunnel",
    ]);
    expect(steps.at(-1)).toBe("minikube stop");
  });

  test("a Pulumi that still runs after kill -9 is stopped with SIGINT before its lock is removed", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--port-forward"]);
    const pulumi = processNamed("pulumi");
    write(host.state("backend/locks/dev/1.json"), `{"pid":${pulumi.pid},"hostname":"here"}`);

    const { status, stderr } = await host.run(["down"]);

    expect({ status, signal: pulumi.signalCode }).toEqual({ status: 0, signal: "SIGINT" });
    expect(stderr).toContain(`Stopping Pulumi (process ${pulumi.pid})`);
    expect(host.steps()).toContain("pulumi cancel");
  });

  test("another process that now has the tunnel's id is not stopped", async () => {
    const host = minikubeMachine(service);
    const other = processNamed("other");
    write(host.state("access.pid"), String(other.pid));

    expect((await host.run([])).status).toBe(0);
    expect(other.signalCode).toBe(null);
  });
});

test.each([
  ["run.sh", "run.sh"],
  ["run.sh", "../link (to) run"],
  ["../link (to) run", "run.sh"],
])("while %s runs, %s refuses to start and changes nothing", async (first, second) => {
  const host = minikubeMachine(service);
  symlinkSync("web dir é/run.sh", join(host.home, "link (to) run"));
  const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" }, command: first });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), waitOptions);

  const { status, stderr } = await host.run(["down"], { command: second });
  expect(status).toBe(1);
  expect(stderr).toContain(`Another run of this checkout is in progress (process ${pid}).`);
  expect(host.steps()).not.toContain("pulumi destroy");

  process.kill(pid, "SIGINT");
  await ended;
  expect((await host.run([], { command: second })).status).toBe(0);
});
