import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();

const START = ["minikube start", "minikube addons enable metrics-server", "minikube docker-env"];
const DEPLOY = ["pulumi stack init dev", "pulumi up"];
const TUNNEL = ["minikube tunnel"];
const UNDEPLOY = ["minikube tunnel ended by INT", "pulumi destroy"];

/** Name and result of each step, as the table at the end tells them. */
function summary(stdout: string): string[] {
  const [, table = ""] = stdout.split(/^step .*result$/m);
  return Array.from(
    table.matchAll(/^ +(\d+) .* (\S+)$/gm),
    ([, number, result]) => `${number} ${result}`,
  );
}

const steps = (results: Record<number, string> = {}, last = 10) =>
  Array.from({ length: last }, (_, index) => `${index + 1} ${results[index + 1] ?? "passed"}`);

describe("the demonstration", () => {
  test.each([
    [[], {}],
    [["demo"], { BASH_COMPAT: "3.2" }],
  ])("with %j and %j goes through its steps in order", async (args, env) => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run(args, { env });

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(host.steps()).toEqual([...START, ...DEPLOY, ...TUNNEL, ...UNDEPLOY, "minikube stop"]);
    expect(stdout.match(/^\[\d+\/10\]/gm)).toEqual(steps().map((_, index) => `[${index + 1}/10]`));
    expect(summary(stdout)).toEqual(steps());
    expect(host.calls()).toContain("docker at tcp://192.0.2.49:2376 with /a home/certs");
    expect(stdout).toContain("Docker 24.0.7 at tcp://192.0.2.49:2376, inside Minikube");
  });

  test("shows for each check what was sent, the status, and that it passed, uncoloured", async () => {
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
      "PASS  200  MISS  POST /predict",
      "PASS  200  HIT   POST /predict",
      `PASS  Redis has a new key: predictions:${service.modelVersion}:predict:`,
    ]) {
      expect(stdout).toContain(line);
    }
  });

  test("asks for the Kubernetes that is needed, on Docker, with the user's flags", async () => {
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

  test("leaves git's status clean", async () => {
    const host = minikubeMachine(service);
    const git = (...args: string[]) =>
      execFileSync("git", args, { cwd: host.checkout, encoding: "utf8" });
    git("init", "--quiet");
    git("add", "--all");
    const before = git("status", "--porcelain");

    await host.run(["--keep"]);

    expect(git("status", "--porcelain")).toBe(before);
  });

  test("trains a model that is not the one of its card", async () => {
    const host = minikubeMachine(service);
    writeFileSync(`${host.checkout}/model/california-housing.onnx`, "another");

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(stdout).toContain("is not the one that its card describes: training it");
    expect(host.calls()).toContain(`node ${host.checkout}/model/src/train.ts`);
  });
});

describe("Minikube", () => {
  test("that runs already and fits is used, and left running", async () => {
    const host = minikubeMachine(service);
    writeFileSync(host.world("running"), "");

    const { status, stdout } = await host.run([]);

    expect(status).toBe(0);
    expect(host.steps()).not.toContain("minikube start");
    expect(host.steps()).not.toContain("minikube stop");
    expect(stdout).toContain("Minikube is left running, as it ran before.");
    expect(host.isUp()).toBe(false);
  });

  test("is stopped all the same with --stop", async () => {
    const host = minikubeMachine(service);
    writeFileSync(host.world("running"), "");

    expect((await host.run(["--stop"])).status).toBe(0);
    expect(host.steps().at(-1)).toBe("minikube stop");
  });

  test.each([
    ["another Kubernetes", { KUBERNETES: "v1.31.0" }, "has Kubernetes v1.31.0 on docker://24.0.7"],
    ["another runtime", { RUNTIME: "containerd://1.7" }, "Kubernetes v1.27.3 on containerd://1.7"],
  ])("with %s is not touched", async (_, env, reason) => {
    const host = minikubeMachine(service);
    writeFileSync(host.world("running"), "");

    const { status, stdout, stderr } = await host.run([], { env });

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(stderr).toContain("needed is v1.27.3 on docker. Take another profile");
    expect(host.steps()).toEqual([]);
    expect(summary(stdout)).toEqual(["1 passed", "2 FAILED", "10 passed"]);
  });

  test("that refuses the old version is forced, which is said", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env: { MINIKUBE_WANTS: "--force" } });

    expect(status).toBe(0);
    expect(stdout).toContain("takes Kubernetes v1.27.3 only by force: trying again with --force");
    const starts = host.calls().filter((call) => call.startsWith("minikube start"));
    expect(starts.map((call) => call.includes("--force"))).toEqual([false, true]);
  });

  test("that fails otherwise is not forced", async () => {
    const host = minikubeMachine(service);

    const { status, stderr } = await host.run([], { env: { FAILS_AT: "minikube start" } });

    expect(status).toBe(1);
    expect(stderr).toContain("Minikube didn't start: see its message above.");
    expect(host.steps()).toEqual(["minikube start", "minikube stop"]);
  });

  test("without metrics-server is warned about, and used", async () => {
    const host = minikubeMachine(service);

    const { status, stderr } = await host.run([], { env: { FAILS_AT: "metrics-server" } });

    expect(status).toBe(0);
    expect(stderr).toContain("Without metrics-server the number of pods stays as it is");
  });
});

describe("the way to the service", () => {
  const forwards = (calls: string[]) => calls.filter((call) => call.includes("port-forward"));

  test.each([
    ["a tunnel that ends at once", { TUNNEL: "ends" }, "no route to be had"],
    [
      "a tunnel that never comes up",
      { TUNNEL: "hangs", TUNNEL_SECONDS: "1" },
      "There is no tunnel",
    ],
    ["a sudo that wants a password", { SUDO: "locked" }, "nobody can be asked for a password"],
  ])("for %s is kubectl port-forward, which is said", async (_, env, reason) => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env });

    expect(status).toBe(0);
    expect(stdout).toContain(reason);
    expect(stdout).toContain("through kubectl port-forward (process ");
    expect(forwards(host.calls())).toEqual([
      `kubectl --context minikube -n w255 port-forward --address 127.0.0.1 service/prediction-service :${service.port}`,
    ]);
    expect(host.calls()).toContain("kubectl ended by INT");
  });

  test("is kubectl port-forward with --port-forward", async () => {
    const host = minikubeMachine(service);

    expect((await host.run(["--port-forward"])).status).toBe(0);
    expect(host.calls()).not.toContainEqual(expect.stringContaining("minikube tunnel"));
    expect(forwards(host.calls())).toHaveLength(1);
  });

  test("needs no sudo on macOS", async () => {
    const host = minikubeMachine(service, { platform: "Darwin arm64" });

    expect((await host.run([], { env: { SUDO: "locked" } })).status).toBe(0);
    expect(host.steps()).toContain("minikube tunnel ended by INT");
  });
});

describe("daily work", () => {
  test("up deploys and leaves it up; status and a second up find it; down takes it down", async () => {
    const host = minikubeMachine(service);

    const up = await host.run(["up"]);
    expect(up.status).toBe(0);
    expect(up.stdout).toContain(`The service is at http://127.0.0.1:${service.port}.`);
    expect(summary(up.stdout)).toEqual(steps({}, 7));
    expect(host.steps()).toEqual([...START, ...DEPLOY, ...TUNNEL]);

    const status = await host.run(["status"]);
    expect(status.status).toBe(0);
    expect(status.stdout).toContain(`The API answers at http://127.0.0.1:${service.port}.`);

    expect((await host.run(["up"])).status).toBe(0);

    const down = await host.run(["down"]);
    expect(down.status).toBe(0);
    expect(host.steps().slice(-3)).toEqual([...UNDEPLOY, "minikube stop"]);
    expect(summary(down.stdout)).toEqual(["10 passed"]);
    expect(host.isUp()).toBe(false);
    expect((await host.run(["status"])).status).toBe(1);
  });

  test("--keep leaves everything up and tells the address", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run(["--keep"]);

    expect(status).toBe(0);
    expect(host.isUp()).toBe(true);
    expect(stdout).toContain(`The service is at http://127.0.0.1:${service.port}.`);
    expect(stdout).toContain("./run.sh down takes it down");
    expect((await host.run(["down"])).status).toBe(0);
  });

  test("down with a stopped Minikube says so", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run(["down"]);

    expect(status).toBe(0);
    expect(stdout).toContain("Minikube's profile 'minikube' doesn't run");
    expect(host.steps()).toEqual([]);
  });

  test("an unknown flag is refused before anything is done", async () => {
    const host = minikubeMachine(service);

    const { status, stderr } = await host.run(["up", "--fast"]);

    expect(status).toBe(2);
    expect(stderr).toContain("There is no flag '--fast'.");
    expect(host.calls()).toEqual([]);
    expect(existsSync(host.state(""))).toBe(false);
  });
});
