import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();

const startCalls = ["minikube start", "minikube docker-env"];
const deployCalls = ["pulumi stack init dev", "pulumi up"];
const tunnelCalls = ["minikube tunnel"];
const undeployCalls = ["minikube tunnel ended by INT", "pulumi destroy"];

/** Returns number and result of each step in the summary. */
function summary(stdout: string): string[] {
  const [, table = ""] = stdout.split(/^step .*result$/m);
  return Array.from(
    table.matchAll(/^ +(\d+) .* (\S+)$/gm),
    ([, number, result]) => `${number} ${result}`,
  );
}

const steps = (results: Record<number, string> = {}, last = 10) =>
  Array.from({ length: last }, (_, index) => `${index + 1} ${results[index + 1] ?? "passed"}`);

describe("demo", () => {
  test.each([
    [[], {}],
    [["demo"], { BASH_COMPAT: "3.2" }],
  ])("the demo runs its steps in order (arguments %j, environment %j)", async (args, env) => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run(args, { env });

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(host.steps()).toEqual([
      ...startCalls,
      ...deployCalls,
      ...tunnelCalls,
      ...undeployCalls,
      "minikube stop",
    ]);
    expect(stdout.match(/^\[\d+\/10\]/gm)).toEqual(steps().map((_, index) => `[${index + 1}/10]`));
    expect(summary(stdout)).toEqual(steps());
    expect(host.calls()).toContain("docker at tcp://192.0.2.49:2376 with /a home/certs");
    expect(stdout).toContain("Docker 24.0.7 at tcp://192.0.2.49:2376, inside Minikube");
  });

  test("the demo prints request, status and PASS for each check, without colors if piped", async () => {
    const { stdout } = await minikubeMachine(service).run([]);

    expect(stdout).not.toContain("\u001b");
    expect(stdout.match(/^ {2}PASS {2}/gm)).toHaveLength(16);
    expect(stdout).not.toContain("FAIL");
    for (const line of [
      "PASS  200  GET /hello?name=Minikube",
      "PASS  422  GET /hello",
      "PASS  404  GET /",
      "PASS  200  GET /docs",
      "PASS  200  GET /openapi.json",
      "PASS  200  GET /health",
      'PASS  200  POST /predict {"MedInc":',
      'PASS  200  POST /bulk_predict {"houses":',
      'PASS  422  POST /predict {"MedInc":',
      'PASS  422  POST /bulk_predict {"houses":',
      "PASS  200  MISS  POST /bulk_predict",
      "PASS  200  HIT   POST /bulk_predict",
      `PASS  Redis has a new key: predictions:${service.modelVersion}:bulk_predict:`,
    ]) {
      expect(stdout).toContain(line);
    }
  });

  test("the demo starts Minikube with the required Kubernetes version, Docker and the user's flags", async () => {
    const host = minikubeMachine(service);

    await host.run([], {
      env: { MINIKUBE_PROFILE: "mine", MINIKUBE_START_FLAGS: "--cpus 3 --driver=kvm2" },
    });

    expect(host.calls()).toContain(
      "minikube start -p mine --kubernetes-version=v1.27.3 --container-runtime=docker --cpus 3 --driver=kvm2",
    );
    expect(host.calls().filter((call) => /^(minikube|kubectl)/.test(call))).not.toContainEqual(
      expect.not.stringMatching(/ mine\b|ended by/),
    );
    expect(readFileSync(host.state("project/Pulumi.dev.yaml"), "utf8")).toContain(
      "prediction-service:kubeContext: mine\n",
    );
  });

  test("the demo does not change git's status", async () => {
    const host = minikubeMachine(service);
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: host.checkout, encoding: "utf8" });
    git("init", "--quiet");
    git("add", "--all");
    const before = git("status", "--porcelain");

    await host.run(["--keep"]);

    expect(git("status", "--porcelain")).toBe(before);
  });

  test("the demo trains the model if it does not match its card", async () => {
    const host = minikubeMachine(service);
    const model = `${host.checkout}/model/california-housing.onnx`;
    writeFileSync(model, "another");
    const trained = `${service.folder}/california-housing.onnx`;
    writeFileSync(
      `${host.checkout}/model/src/train.ts`,
      `import { copyFileSync } from "node:fs";
      copyFileSync(${JSON.stringify(trained)}, ${JSON.stringify(model)});`,
    );

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(stdout).toContain("The model is missing or does not match its card: training it.");
    expect(stdout).toContain("model/california-housing.onnx matches its card.");
  });

  test("the demo fails if the trained model does not match its card either", async () => {
    const host = minikubeMachine(service);
    writeFileSync(`${host.checkout}/model/california-housing.onnx`, "another");

    const { status, stdout, stderr } = await host.run([]);

    expect(status).toBe(1);
    expect(host.calls()).toContain(`node ${host.checkout}/model/src/train.ts`);
    expect(stderr).toContain("The trained model does not match its card.");
    expect(summary(stdout)).toEqual(["1 passed", "2 passed", "3 passed", "4 FAILED", "10 passed"]);
  });
});

describe("Minikube", () => {
  test("Minikube is used and left running if it was running before", async () => {
    const host = minikubeMachine(service);
    host.setHost("Running");

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(host.steps()).not.toContain("minikube start");
    expect(host.steps()).not.toContain("minikube stop");
    expect(stdout).toContain("Minikube was running before, so it is left running.");
    expect(host.isDeployed()).toBe(false);
  });

  test("Minikube is stopped with --stop even if it was running before", async () => {
    const host = minikubeMachine(service);
    host.setHost("Running");

    expect((await host.run(["--stop"])).status).toBe(0);
    expect(host.steps().at(-1)).toBe("minikube stop");
  });

  test.each([
    ["Kubernetes version", { KUBERNETES: "v1.31.0" }, "Kubernetes v1.31.0 on docker://24.0.7"],
    ["runtime", { RUNTIME: "containerd://1.7" }, "Kubernetes v1.27.3 on containerd://1.7"],
  ])("Minikube is not changed if it has a different %s", async (_, env, reason) => {
    const host = minikubeMachine(service);
    host.setHost("Running");

    const { status, stdout, stderr } = await host.run([], { env });

    expect(status).toBe(1);
    expect(stderr).toContain(`has ${reason}; required is v1.27.3 on docker. Use another profile`);
    expect(host.steps()).toEqual([]);
    expect(summary(stdout)).toEqual(["1 passed", "2 FAILED", "10 passed"]);
  });

  test("Minikube is started with --force if its release does not support the Kubernetes version", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env: { MINIKUBE_WANTS: "--force" } });

    expect(status).toBe(0);
    expect(stdout).toContain("supports Kubernetes v1.27.3 only with --force: trying again with it");
    const starts = host.calls().filter((call) => call.startsWith("minikube start"));
    expect(starts.map((call) => call.includes("--force"))).toEqual([false, true]);
  });

  test("Minikube is not started with --force if it fails for another reason", async () => {
    const host = minikubeMachine(service);

    const { status, stderr } = await host.run([], { env: { FAILS_AT: "minikube start" } });

    expect(status).toBe(1);
    expect(stderr).toContain("Minikube did not start: see its message above.");
    expect(host.steps()).toEqual(["minikube start"]);
  });

  test.each([
    ["profile", undefined],
    ["node", "Nonexistent"],
  ])("without a Minikube %s, this run and later ones have nothing to stop", async (_, state) => {
    const host = minikubeMachine(service);
    host.setHost(state);
    await host.run([], { env: { FAILS_AT: "minikube start" } });
    writeFileSync(host.state("minikube-started"), "");

    for (const args of [["down"], ["down"], ["down", "--stop"]]) {
      const { status, stdout } = await host.run(args);
      expect({ status, steps: host.steps() }).toEqual({ status: 0, steps: ["minikube start"] });
      expect(stdout).toContain("Minikube's profile 'minikube' is not running.");
    }
    expect(existsSync(host.state("minikube-started"))).toBe(false);
  });

  test("minikube delete after up does not make down fail", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);
    host.setHost(undefined);

    const { status, stdout } = await host.run(["down"]);

    expect(status).toBe(0);
    expect(stdout).toContain("Minikube's profile 'minikube' has no node to stop.");
    expect(host.steps().at(-1)).toBe("minikube tunnel ended by INT");
  });

  test("down fails while Minikube cannot be stopped", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);

    expect((await host.run(["down"], { env: { FAILS_AT: "minikube stop" } })).status).toBe(1);
    expect((await host.run(["down"])).status).toBe(0);
    expect(host.steps().filter((step) => step === "minikube stop")).toHaveLength(2);
  });
});

describe("daily work", () => {
  test("up deploys, status and a second up find the deployment, down removes it", async () => {
    const host = minikubeMachine(service);

    const up = await host.run(["up"]);
    expect(up.status).toBe(0);
    expect(up.stdout).toContain(`The service is at http://127.0.0.1:${service.port}.`);
    expect(summary(up.stdout)).toEqual(steps({}, 7));
    expect(host.steps()).toEqual([...startCalls, ...deployCalls, ...tunnelCalls]);

    const status = await host.run(["status"]);
    expect(status.status).toBe(0);
    expect(status.stdout).toContain(`The API responds at http://127.0.0.1:${service.port}.`);

    expect((await host.run(["up"])).status).toBe(0);

    const down = await host.run(["down"]);
    expect(down.status).toBe(0);
    expect(host.steps().slice(-3)).toEqual([...undeployCalls, "minikube stop"]);
    expect(summary(down.stdout)).toEqual(["10 passed"]);
    expect(host.isDeployed()).toBe(false);
    expect((await host.run(["status"])).status).toBe(1);
  });

  test("--keep leaves everything running and prints the address", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run(["--keep"]);

    expect(status).toBe(0);
    expect(host.isDeployed()).toBe(true);
    expect(stdout).toContain(`The service is at http://127.0.0.1:${service.port}.`);
    expect(stdout).toContain("Nothing was removed; ./run.sh down removes it.");
    expect((await host.run(["down"])).status).toBe(0);
  });

  test.each([["up"], ["demo"], ["down"]])(
    "%s rejects an unknown option before it does anything",
    async (command) => {
      const host = minikubeMachine(service);

      const { status, stderr } = await host.run([command, "--fast"]);

      expect(status).toBe(2);
      expect(stderr).toContain("Unknown option: --fast\nUsage: ./run.sh");
      expect(host.calls()).toEqual([]);
      expect(existsSync(host.state(""))).toBe(false);
    },
  );
});
