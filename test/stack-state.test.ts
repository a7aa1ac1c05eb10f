import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();
const WAIT = { timeout: 15_000, interval: 20 };

type Host = ReturnType<typeof minikubeMachine>;

/** A process that stays, under a name of the test's choice, until SIGINT or the test's end. */
function processNamed(name: string): ChildProcess {
  const child = spawn("bash", ["-c", 'exec -a "$0" sleep 300', name], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** A deployment that was ended by SIGKILL while `pulumi up` was at work, with all that it ran. */
async function killedWhileDeploying(host: Host): Promise<void> {
  const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" } });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), WAIT);
  process.kill(pid, "SIGKILL");
  host.end("hanging");
  await ended;
}

describe("the stack's state", () => {
  test("is kept in the checkout, with a passphrase that only the user can read", async () => {
    const host = minikubeMachine(service);

    await host.run(["up"], { env: { PULUMI_CONFIG_PASSPHRASE: "of another stack" } });

    expect(readFileSync(host.state("passphrase"), "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(host.state("passphrase")).mode & 0o077).toBe(0);
    const up = host.calls().find((call) => call.startsWith("pulumi up"));
    expect(up).toBe(
      `pulumi up --cwd ${host.checkout} --stack dev --config-file ${host.state("project/Pulumi.dev.yaml")}` +
        " --yes --skip-preview --suppress-progress --refresh",
    );
  });

  test("keeps its salt, and takes over what was changed in the stack file", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);

    host.rewrite("Pulumi.dev.yaml", "minReplicas: 2", "minReplicas: 3");
    expect((await host.run(["up"])).status).toBe(0);

    const copy = readFileSync(host.state("project/Pulumi.dev.yaml"), "utf8");
    expect(copy).toContain("minReplicas: 3");
    expect(copy.match(/^encryptionsalt: v1:salt$/gm)).toHaveLength(1);
    expect(host.steps().filter((step) => step === "pulumi stack init dev")).toHaveLength(1);
  });

  test("is the user's own with PULUMI_BACKEND_URL, whose locks are left alone", async () => {
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

  test("when lost, the namespace that it described is deleted first", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--port-forward"]);
    await host.run(["down", "--port-forward"], { env: { FAILS_AT: "destroy" } });
    writeFileSync(host.world("namespace"), "w255 prediction-service\n");
    rmSync(host.state(""), { recursive: true });

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(stdout).toContain(
      "Deleting the namespace w255 with all that is in it: no state knows it",
    );
    expect(host.isUp()).toBe(false);
  });

  test("doesn't come by a namespace of somebody else's, which is left alone", async () => {
    const host = minikubeMachine(service);
    writeFileSync(host.world("namespace"), "w255 \n");

    const { status, stderr } = await host.run([]);

    expect(status).toBe(1);
    expect(stderr).toContain("There is a namespace w255 that is not this project's");
    expect(host.steps()).not.toContain("kubectl delete namespace w255");
    expect(host.isUp()).toBe(true);
  });
});

test("a lock that a killed Pulumi leaves is released before what it deployed is destroyed", async () => {
  const host = minikubeMachine(service);
  const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" } });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), WAIT);
  write(host.state("backend/locks/dev/1.json"), '{"pid":4194304,"hostname":"here"}');
  process.kill(pid, "SIGTERM");
  await ended;

  expect(host.steps().slice(-3)).toEqual(["pulumi cancel", "pulumi destroy", "minikube stop"]);
});

describe("after kill -9", () => {
  test("while it deployed, a new run starts over, and stops the Minikube that it finds", async () => {
    const host = minikubeMachine(service);
    await killedWhileDeploying(host);
    writeFileSync(host.world("namespace"), "w255 prediction-service\n");
    write(host.state("backend/locks/dev/1.json"), '{"pid":4194304,"hostname":"here"}');

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(stdout).toContain("an earlier deployment did not come to its end");
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

  test("a Pulumi that is still at work is ended by SIGINT before its lock is removed", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--port-forward"]);
    const pulumi = processNamed("pulumi");
    write(host.state("backend/locks/dev/1.json"), `{"pid":${pulumi.pid},"hostname":"here"}`);

    const { status, stderr } = await host.run(["down"]);

    expect({ status, signal: pulumi.signalCode }).toEqual({ status: 0, signal: "SIGINT" });
    expect(stderr).toContain(`Ending Pulumi (process ${pulumi.pid})`);
    expect(host.steps()).toContain("pulumi cancel");
  });

  test("the tunnel that was left behind is ended before there is a new one", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);

    expect((await host.run([])).status).toBe(0);

    expect(host.steps().filter((step) => step.startsWith("minikube tunnel"))).toEqual([
      "minikube tunnel",
      "minikube tunnel ended by INT",
      "minikube tunnel",
      "minikube tunnel ended by INT",
    ]);
  });

  test("a process that has by now the number of the tunnel's is left alone", async () => {
    const host = minikubeMachine(service);
    const other = processNamed("other");
    write(host.state("access.pid"), String(other.pid));

    expect((await host.run([])).status).toBe(0);
    expect(other.signalCode).toBe(null);
  });
});

test("a second run beside the first is refused, and harms nothing of it", async () => {
  const host = minikubeMachine(service);
  const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" } });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), WAIT);

  const { status, stderr } = await host.run(["down"]);
  expect(status).toBe(1);
  expect(stderr).toContain(`Another ./run.sh is at work in this checkout (process ${pid}).`);
  expect(host.steps()).not.toContain("pulumi destroy");

  process.kill(pid, "SIGINT");
  await ended;
  expect((await host.run([])).status).toBe(0);
});
