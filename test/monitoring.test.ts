import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();

type Host = ReturnType<typeof minikubeMachine>;

/** Returns the services whose forwarding was started, and those whose forwarding was ended. */
const forwards = (host: Host) =>
  host
    .calls()
    .filter((call) => /^kubectl.*(port-forward|ended)/.test(call))
    .map((call) => call.replace(/.*(service\/\S+).*/, "$1"));

const setting = "--config prediction-service:monitoring.deploy=true --config-path";
const deployments = (host: Host) => host.calls().filter((call) => call.startsWith("pulumi up"));

const grafana = /^Grafana is at http:\/\/127\.0\.0\.1:\d+\.$/m;
const prometheus = /^Prometheus is at http:\/\/127\.0\.0\.1:\d+\.$/m;
const started = ["service/grafana", "service/prometheus"];
const ended = ["kubectl ended by INT", "kubectl ended by INT"];

test("up deploys and forwards no Prometheus or Grafana without --monitoring", async () => {
  const host = minikubeMachine(service);

  const { status, stdout } = await host.run(["up"]);

  expect(status).toBe(0);
  expect(deployments(host).join()).not.toContain("monitoring");
  expect(forwards(host)).toEqual([]);
  expect(stdout).not.toMatch(grafana);
});

describe("up --monitoring", () => {
  test("up --monitoring deploys Prometheus and Grafana and prints their addresses, and down closes them", async () => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run(["up", "--monitoring"]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(deployments(host)).toEqual([expect.stringContaining(setting)]);
    expect(forwards(host)).toEqual(started);
    expect(stdout.match(new RegExp(grafana, "gm"))).toHaveLength(2);
    expect(stdout.match(new RegExp(prometheus, "gm"))).toHaveLength(2);

    expect((await host.run(["status"])).stdout).toMatch(grafana);

    expect((await host.run(["down"])).status).toBe(0);
    expect(forwards(host)).toEqual([...started, ...ended]);
    expect(host.isDeployed()).toBe(false);
    expect((await host.run(["status"])).stdout).not.toMatch(grafana);
  });

  test("a second up --monitoring keeps the addresses", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--monitoring"]);

    const { status, stdout } = await host.run(["up", "--monitoring"]);

    expect(status).toBe(0);
    expect(stdout).toMatch(prometheus);
    expect(forwards(host)).toEqual(started);
    await host.run(["down"]);
  });

  test("a later up without --monitoring closes the addresses", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--monitoring"]);

    const { status, stdout } = await host.run(["up"]);

    expect(status).toBe(0);
    expect(stdout).not.toMatch(grafana);
    expect(deployments(host).at(-1)).not.toContain("monitoring");
    expect(forwards(host)).toEqual([...started, ...ended]);
    await host.run(["down"]);
  });

  test("up --monitoring fails if Grafana cannot be reached, but deploys everything else", async () => {
    const host = minikubeMachine(service);

    const { status, stdout, stderr } = await host.run(["up", "--monitoring"], {
      env: { FAILS_AT: "service/grafana", MONITORING_SECONDS: "5" },
    });

    expect(status).toBe(1);
    expect(stderr).toContain("kubectl port-forward does not reach grafana. Its last output:");
    expect(stderr).toContain("service/grafana :http fails");
    expect(stdout).not.toMatch(grafana);
    expect(stdout).toMatch(prometheus);
    expect(stdout).toMatch(/^ +6 .* FAILED$/m);
    expect(stdout).toMatch(/^ +7 .* passed$/m);
    await host.run(["down"]);
  });
});

test("the demo with --monitoring removes everything at the end", async () => {
  const host = minikubeMachine(service);

  expect((await host.run(["--monitoring"])).status).toBe(0);
  expect(forwards(host)).toEqual([...started, ...ended]);
  expect(host.isDeployed()).toBe(false);
});
