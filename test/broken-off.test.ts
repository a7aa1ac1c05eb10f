import { writeFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { front } from "./front.ts";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();
const WAIT = { timeout: 15_000, interval: 20 };

type Host = ReturnType<typeof minikubeMachine>;

const STOP = ["minikube stop"];
const UNDEPLOY = ["pulumi destroy", "minikube stop"];
const CLOSE = ["minikube tunnel ended by INT", "pulumi destroy", "minikube stop"];

/** What was called to clean up: all that follows the first call that does. */
function cleanUp(host: Host): string[] {
  const steps = host.steps();
  const first = steps.findIndex((step) => CLOSE.includes(step));
  return first < 0 ? [] : steps.slice(first);
}

describe("a demonstration in which something fails tells so, cleans up, and fails:", () => {
  test.each([
    ["minikube start", 2, "Minikube didn't start", STOP],
    ["wait --for=condition=Ready", 2, "Minikube's node is not ready", STOP],
    ["rollout status", 2, "Cluster DNS is not ready", STOP],
    ["minikube docker-env", 3, "Minikube tells of no Docker daemon", STOP],
    ["docker version", 3, "Minikube's Docker daemon doesn't answer", STOP],
    ["pulumi stack init", 5, "pulumi stack init dev", STOP],
    ["pulumi up", 5, "pulumi up", UNDEPLOY],
    ["get service", 6, "get service", UNDEPLOY],
  ])("%s", async (call, step, message, after) => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run([], {
      env: { FAILS_AT: call, CLUSTER_SECONDS: "0", TUNNEL_SECONDS: "0" },
    });

    expect(status).toBeGreaterThan(0);
    expect(stdout + stderr).toContain(message);
    expect(stdout).toMatch(new RegExp(`^ +${step} .* FAILED$`, "m"));
    // A tunnel that is ended while it starts tells nothing of it.
    expect(cleanUp(host).slice(-after.length)).toEqual(after);
    expect(host.isUp()).toBe(false);
  });

  test("the training", async () => {
    const host = minikubeMachine(service);
    writeFileSync(`${host.checkout}/model/california-housing.onnx`, "another");

    const { status, stdout } = await host.run([], { env: { PROGRAM_STATUS: "5" } });

    expect(status).toBe(5);
    expect(stdout).toMatch(/^ +4 .* FAILED$/m);
    expect(cleanUp(host)).toEqual(STOP);
  });

  test("an API that never answers, whose last error is shown", async () => {
    const host = minikubeMachine(service);
    const port = await front(service, {
      "GET /health": (_, answer) => void answer.writeHead(503).end(),
    });

    const { status, stdout, stderr } = await host.run([], {
      env: { API_PORT: String(port), API_SECONDS: "1" },
    });

    expect(status).toBe(1);
    expect(stderr).toContain("The requested URL returned error: 503");
    expect(stderr).toContain(`The API doesn't answer at http://127.0.0.1:${port} within 1 s.`);
    expect(stdout).toMatch(/^ +7 .* FAILED$/m);
    expect(cleanUp(host)).toEqual(CLOSE);
  });

  test("pulumi destroy, after which the namespace is deleted by kubectl", async () => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run([], { env: { FAILS_AT: "pulumi destroy" } });

    expect(status).toBe(0);
    expect(stderr).toContain("Pulumi could not destroy everything");
    expect(stdout).toContain("Deleting the namespace w255");
    expect(host.isUp()).toBe(false);
  });

  test("a namespace that can't be deleted", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], {
      env: { DESTROY: "forgets", FAILS_AT: "delete namespace" },
    });

    expect(status).toBe(1);
    expect(stdout).toMatch(/^ +10 .* FAILED$/m);
    expect(cleanUp(host).at(-1)).toBe("minikube stop");
  });

  test("up leaves what there is, to be looked at", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run(["up"], { env: { FAILS_AT: "get all" } });

    expect(status).not.toBe(0);
    expect(stdout).toContain("./run.sh down takes it down");
    expect(host.isUp()).toBe(true);
  });
});

const hang = () => {};

describe("Ctrl-C in", () => {
  const cases: [step: number, what: string, env: Record<string, string>, after: string[]][] = [
    [2, "minikube start", { HANGS_AT: "minikube start" }, STOP],
    [2, "the wait for the node", { HANGS_AT: "wait --for=condition=Ready" }, STOP],
    [3, "minikube docker-env", { HANGS_AT: "docker-env" }, STOP],
    [5, "pulumi up", { HANGS_AT: "pulumi up" }, UNDEPLOY],
    [6, "the wait for the tunnel", { TUNNEL: "hangs" }, CLOSE],
  ];

  test.each(cases)("step %i, %s: cleans up once", async (step, _, env, after) => {
    const host = minikubeMachine(service);
    const { pid, output, ended } = host.start([], { env });
    await vi.waitFor(() => {
      expect(output.stdout).toContain(`[${step}/10]`);
      const { HANGS_AT: hanging = "minikube tunnel" } = env;
      expect(host.calls()).toContainEqual(expect.stringContaining(hanging));
    }, WAIT);
    // As a terminal does: to the whole process group.
    process.kill(-pid, "SIGINT");

    const { status, stdout } = await ended;

    expect(status).toBe(130);
    expect(stdout).toMatch(new RegExp(`^ +${step} .* interrupted$`, "m"));
    expect(cleanUp(host)).toEqual(after);
  });

  test("step 4: ends the training, and cleans up once", async () => {
    const host = minikubeMachine(service);
    writeFileSync(`${host.checkout}/model/california-housing.onnx`, "another");
    const { pid, output, ended } = host.start([], { env: { PROGRAM_STAYS: "1" } });
    await vi.waitFor(() => expect(output.stdout).toContain('"program"'), WAIT);
    process.kill(-pid, "SIGINT");

    const { status, stdout } = await ended;

    expect(status).toBe(130);
    expect(stdout).toMatch(/^ +4 .* interrupted$/m);
    expect(cleanUp(host)).toEqual(STOP);
  });

  test.each([
    [7, "GET /health", (_: unknown, answer: { destroy(): void }) => answer.destroy()],
    [8, "GET /docs", hang],
    [9, "POST /predict", hang],
  ])("step %i, %s: cleans up once", async (step, path, answer) => {
    const host = minikubeMachine(service);
    let asked = 0;
    const port = await front(service, {
      [path]: (_, response) => {
        asked++;
        if (path === "GET /health" && asked === 1) response.writeHead(503).end();
        else answer(_, response);
      },
    });
    const { pid, output, ended } = host.start([], { env: { API_PORT: String(port) } });
    await vi.waitFor(() => {
      expect(output.stdout).toContain(`[${step}/10]`);
      expect(asked).toBeGreaterThan(path === "GET /health" ? 1 : 0);
    }, WAIT);
    process.kill(-pid, "SIGINT");

    const { status, stdout } = await ended;

    expect(status).toBe(130);
    expect(stdout).toMatch(new RegExp(`^ +${step} .* interrupted$`, "m"));
    expect(cleanUp(host)).toEqual(CLOSE);
  });

  test("step 10: is not heard, and the clean-up comes to its end", async () => {
    const host = minikubeMachine(service);
    const { pid, ended } = host.start([], { env: { SLOW_AT: "pulumi destroy" } });
    await vi.waitFor(() => expect(host.steps()).toContain("pulumi destroy"), WAIT);
    process.kill(-pid, "SIGINT");
    process.kill(pid, "SIGTERM");

    expect((await ended).status).toBe(0);
    expect(cleanUp(host)).toEqual(CLOSE);
    expect(host.isUp()).toBe(false);
  });
});

describe("a demonstration that is ended by", () => {
  test.each([
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
  ] as const)(
    "%s to itself alone ends what it waits for, and cleans up once",
    async (signal, ends) => {
      const host = minikubeMachine(service);
      const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" } });
      await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), WAIT);
      process.kill(pid, signal);

      expect((await ended).status).toBe(ends);
      expect(cleanUp(host)).toEqual(UNDEPLOY);
    },
  );
});
