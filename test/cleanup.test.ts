import { writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { overrideResponses } from "./override-responses.ts";
import { waitOptions } from "./wait-options.ts";

const service = serviceForAll();

type Host = ReturnType<typeof minikubeMachine>;

const stopCalls = ["minikube stop"];
const undeployCalls = ["pulumi destroy", "minikube stop"];
const closeCalls = ["minikube tunnel ended by INT", "pulumi destroy", "minikube stop"];

/** Returns the calls that clean up: the first one and everything after it. */
function cleanUp(host: Host): string[] {
  const steps = host.steps();
  const first = steps.findIndex((step) => closeCalls.includes(step));
  return first < 0 ? [] : steps.slice(first);
}

describe("a failure", () => {
  test.each([
    ["minikube start", 2, "Minikube did not start", []],
    ["wait --for=condition=Ready", 2, "Minikube's node is not ready", stopCalls],
    ["rollout status", 2, "Cluster DNS is not ready", stopCalls],
    ["minikube docker-env", 3, "Minikube reported no Docker daemon", stopCalls],
    ["docker version", 3, "Minikube's Docker daemon does not respond", stopCalls],
    ["pulumi stack init", 5, "pulumi stack init dev", stopCalls],
    ["pulumi up", 5, "pulumi up", undeployCalls],
    ["get all", 5, "get all", undeployCalls],
  ])(
    "a failing %s is reported, and everything is cleaned up",
    async (call, step, message, after) => {
      const host = minikubeMachine(service);

      const { status, stdout, stderr } = await host.run([], {
        env: { FAILS_AT: call, CLUSTER_SECONDS: "0" },
      });

      expect(status).toBeGreaterThan(0);
      expect(stdout + stderr).toContain(message);
      expect(stdout).toMatch(new RegExp(`^ +${step} .* FAILED$`, "m"));
      expect(cleanUp(host).slice(-after.length)).toEqual(after);
      expect(host.isDeployed()).toBe(false);
    },
  );

  test("failing minikube tunnel and kubectl port-forward are reported, and everything is cleaned up", async () => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run([], {
      env: { SUDO: "locked", FAILS_AT: "port-forward" },
    });

    expect(status).toBe(1);
    expect(stderr).toContain("kubectl port-forward does not reach the service either");
    expect(stderr).toContain("service/prediction-service :http fails");
    expect(stdout).toMatch(/^ +6 .* FAILED$/m);
    expect(cleanUp(host)).toEqual(undeployCalls);
  });

  test("a failing training is reported, and Minikube is stopped", async () => {
    const host = minikubeMachine(service);
    writeFileSync(`${host.checkout}/model/california-housing.onnx`, "another");

    const { status, stdout } = await host.run([], { env: { PROGRAM_STATUS: "5" } });

    expect(status).toBe(5);
    expect(stdout).toMatch(/^ +4 .* FAILED$/m);
    expect(cleanUp(host)).toEqual(stopCalls);
  });

  test("an API that never becomes healthy is reported with its last error", async () => {
    const host = minikubeMachine(service);
    const port = await overrideResponses(service, {
      "GET /health": (_, response) => void response.writeHead(503).end(),
    });

    const { status, stdout, stderr } = await host.run([], {
      env: { API_PORT: String(port), API_SECONDS: "1" },
    });

    expect(status).toBe(1);
    expect(stderr).toContain("The requested URL returned error: 503");
    expect(stderr).toContain(
      `The API at http://127.0.0.1:${port} did not become healthy within 1 s.`,
    );
    expect(stdout).toMatch(/^ +7 .* FAILED$/m);
    expect(cleanUp(host)).toEqual(closeCalls);
  });

  test("after a failing pulumi destroy, kubectl deletes the namespace", async () => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run([], { env: { FAILS_AT: "pulumi destroy" } });

    expect(status).toBe(0);
    expect(stderr).toContain("Pulumi did not destroy everything");
    expect(stdout).toContain("Deleting the namespace w255");
    expect(host.isDeployed()).toBe(false);
  });

  test("after a failing deletion of the namespace, the run fails", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], {
      env: { DESTROY: "forgets", FAILS_AT: "delete namespace" },
    });

    expect(status).toBe(1);
    expect(stdout).toMatch(/^ +10 .* FAILED$/m);
    expect(cleanUp(host).at(-1)).toBe("minikube stop");
  });
});

test("a failing up removes nothing, so that the user can investigate", async () => {
  const host = minikubeMachine(service);

  const { status, stdout } = await host.run(["up"], { env: { FAILS_AT: "get all" } });

  expect(status).not.toBe(0);
  expect(stdout).toContain("Nothing was removed; ./run.sh down removes it.");
  expect(host.isDeployed()).toBe(true);
});

/** Expects a run to end as after Ctrl-C, with the step interrupted, after this clean-up. */
async function expectInterrupted(
  host: Host,
  { ended }: ReturnType<Host["start"]>,
  step: number,
  after: string[],
): Promise<void> {
  const { status, stdout } = await ended;
  expect(status).toBe(130);
  expect(stdout).toMatch(new RegExp(`^ +${step} .* interrupted$`, "m"));
  expect(cleanUp(host)).toEqual(after);
}

describe("Ctrl-C", () => {
  const cases: [step: number, what: string, env: Record<string, string>, after: string[]][] = [
    [2, "minikube start", { HANGS_AT: "minikube start" }, []],
    [2, "the wait for the node", { HANGS_AT: "wait --for=condition=Ready" }, stopCalls],
    [3, "minikube docker-env", { HANGS_AT: "docker-env" }, stopCalls],
    [5, "pulumi up", { HANGS_AT: "pulumi up" }, undeployCalls],
    [6, "the wait for the tunnel", { TUNNEL: "hangs" }, closeCalls],
  ];

  test.each(cases)("Ctrl-C in step %i, during %s, cleans up once", async (step, _, env, after) => {
    const host = minikubeMachine(service);
    const run = host.start([], { env });
    await vi.waitFor(() => {
      expect(run.output.stdout).toContain(`[${step}/10]`);
      const { HANGS_AT: hanging = "minikube tunnel" } = env;
      expect(host.calls()).toContainEqual(expect.stringContaining(hanging));
    }, waitOptions);
    // To the whole process group, as a terminal does.
    process.kill(-run.pid, "SIGINT");

    await expectInterrupted(host, run, step, after);
  });

  test("Ctrl-C in step 4 stops the training and cleans up once", async () => {
    const host = minikubeMachine(service);
    writeFileSync(`${host.checkout}/model/california-housing.onnx`, "another");
    const run = host.start([], { env: { PROGRAM_STAYS: "1" } });
    await vi.waitFor(() => expect(run.output.stdout).toContain('"program"'), waitOptions);
    process.kill(-run.pid, "SIGINT");

    await expectInterrupted(host, run, 4, stopCalls);
  });

  const hang: RequestListener = () => {};

  test.each<[step: number, request: string, handler: RequestListener]>([
    [7, "GET /health", (_, response) => void response.destroy()],
    [8, "GET /docs", hang],
    [9, "POST /predict", hang],
  ])("Ctrl-C in step %i, during %s, cleans up once", async (step, request, handler) => {
    const host = minikubeMachine(service);
    let received = 0;
    const port = await overrideResponses(service, {
      [request]: (incoming, response) => {
        const hasBegun = run.output.stdout.includes(`[${step}/10]`);
        if (request === "GET /health" && !hasBegun) {
          // This health check finds the tunnel open.
          response.writeHead(503).end();
          return;
        }
        received++;
        handler(incoming, response);
      },
    });
    const run = host.start([], { env: { API_PORT: String(port) } });
    await vi.waitFor(() => expect(received).toBeGreaterThan(0), waitOptions);
    process.kill(-run.pid, "SIGINT");

    await expectInterrupted(host, run, step, closeCalls);
  });

  test("Ctrl-C in step 10 is ignored, so that the clean-up finishes", async () => {
    const host = minikubeMachine(service);
    const { pid, ended } = host.start([], { env: { SLOW_AT: "pulumi destroy" } });
    await vi.waitFor(() => expect(host.steps()).toContain("pulumi destroy"), waitOptions);
    process.kill(-pid, "SIGINT");
    process.kill(pid, "SIGTERM");
    host.release();

    expect((await ended).status).toBe(0);
    expect(cleanUp(host)).toEqual(closeCalls);
    expect(host.isDeployed()).toBe(false);
  });
});

test.each([
  ["SIGTERM", 143],
  ["SIGHUP", 129],
  ["SIGINT", 130],
] as const)(
  "%s to run.sh alone stops the running command and cleans up once",
  async (signal, expected) => {
    const host = minikubeMachine(service);
    const { pid, ended } = host.start([], { env: { HANGS_AT: "pulumi up" } });
    await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), waitOptions);
    process.kill(pid, signal);

    expect((await ended).status).toBe(expected);
    expect(cleanUp(host)).toEqual(undeployCalls);
  },
);

test("many signals in quick succession clean up once", async () => {
  const host = minikubeMachine(service);
  const env = { HANGS_AT: "docker-env", SLOW_AT: "minikube stop" };
  const { pid, ended } = host.start([], { env });
  await vi.waitFor(() => expect(host.steps()).toContain("minikube docker-env"), waitOptions);
  for (let count = 0; count < 10; count++) {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(-pid, signal);
    await delay(5);
  }
  host.release();

  const { status, stdout } = await ended;

  expect([129, 130, 143]).toContain(status);
  expect(stdout).toMatch(/^ +3 .* interrupted$/m);
  expect(stdout).toMatch(/^ +10 .* passed$/m);
  expect(cleanUp(host)).toEqual(stopCalls);
});
