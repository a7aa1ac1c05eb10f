import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();

type Host = ReturnType<typeof minikubeMachine>;

const enableCall = "minikube addons enable metrics-server";
const disableCall = "minikube addons disable metrics-server";

/** Returns the calls that change the addon or wait for it. */
const addonCalls = (host: Host) =>
  host.steps().filter((step) => /addons|delete apiservice/.test(step));
const waits = (host: Host) =>
  host.calls().filter((call) => call.includes(" wait ") && call.includes("apiservice/"));

const available = (host: Host, value: "True" | "False") =>
  writeFileSync(host.world("metrics-api"), value);

test.each([[[]], [["up"]]])(
  "metrics-server is not enabled without --autoscaling (%j)",
  async (args) => {
    const host = minikubeMachine(service);

    expect((await host.run(args)).status).toBe(0);
    expect(addonCalls(host)).toEqual([]);
  },
);

describe("--autoscaling", () => {
  test("--autoscaling enables metrics-server, and down disables it before it destroys the stack", async () => {
    const host = minikubeMachine(service);

    const { status, stderr } = await host.run(["up", "--autoscaling"]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(host.steps().slice(0, 2)).toEqual(["minikube start", enableCall]);
    expect(waits(host)).toHaveLength(1);

    expect((await host.run(["down"])).status).toBe(0);
    const steps = host.steps();
    expect(steps.slice(steps.indexOf(disableCall))).toEqual([
      disableCall,
      "kubectl delete apiservice v1beta1.metrics.k8s.io",
      "pulumi destroy",
      "minikube stop",
    ]);
  });

  test("--autoscaling works with the demo", async () => {
    const host = minikubeMachine(service);

    expect((await host.run(["--autoscaling"])).status).toBe(0);
    expect(addonCalls(host)).toEqual([
      enableCall,
      disableCall,
      "kubectl delete apiservice v1beta1.metrics.k8s.io",
    ]);
  });

  test("--autoscaling uses a metrics-server that was there before, and down does not disable it", async () => {
    const host = minikubeMachine(service);
    host.setHost("Running");
    available(host, "True");

    expect((await host.run(["up", "--autoscaling"])).status).toBe(0);
    expect((await host.run(["down"])).status).toBe(0);

    expect(waits(host)).toHaveLength(1);
    expect(addonCalls(host)).toEqual([]);
  });

  test.each([
    ["does not become available", { METRICS_SERVER: "False" }],
    ["cannot be enabled", { FAILS_AT: "addons enable" }],
  ])(
    "--autoscaling disables a metrics-server that %s, deploys without it, and fails",
    async (_, env) => {
      const host = minikubeMachine(service);

      const { status, stdout, stderr } = await host.run(["up", "--autoscaling"], {
        env: { METRICS_SECONDS: "1", ...env },
      });

      expect(status).toBe(1);
      expect(stderr).toContain(
        "metrics-server is not available: the number of pods will not follow the load.",
      );
      expect(stdout).toMatch(/^ +2 .* FAILED$/m);
      expect(stdout).toMatch(/^ +7 .* passed$/m);
      expect(addonCalls(host).slice(-2)).toEqual([
        disableCall,
        "kubectl delete apiservice v1beta1.metrics.k8s.io",
      ]);
      expect(existsSync(host.world("metrics-api"))).toBe(false);
      expect((await host.run(["down"])).status).toBe(0);
    },
  );

  test("down removes the API of a metrics-server that it cannot disable, and tries again the next time", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--autoscaling"]);
    available(host, "False");

    const { status } = await host.run(["down"], { env: { FAILS_AT: "addons disable" } });

    expect(status).toBe(0);
    expect(host.isDeployed()).toBe(false);
    await host.run(["up"]);
    await host.run(["down"]);
    expect(addonCalls(host).filter((call) => call === disableCall)).toHaveLength(2);
  });

  test("the metrics-server of a later cluster is not disabled", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--autoscaling"]);
    host.setHost(undefined);
    await host.run(["up"]);
    available(host, "True");

    expect((await host.run(["down"])).status).toBe(0);
    expect(addonCalls(host)).toEqual([enableCall]);
  });
});

describe("an unavailable metrics-server", () => {
  test("down removes an unavailable metrics-server that --autoscaling enabled", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--autoscaling"]);
    available(host, "False");

    const { status, stderr } = await host.run(["down"]);

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(host.isDeployed()).toBe(false);
  });

  test("up finishes an earlier deletion of the namespace that metrics-server blocked", async () => {
    const host = minikubeMachine(service);
    await host.run(["up", "--autoscaling"]);
    available(host, "False");
    writeFileSync(host.world("terminating"), "");

    const { status, stdout, stderr } = await host.run(["up"]);

    expect(status).toBe(0);
    expect(stdout).toContain("The namespace w255 is still being deleted: waiting for that.");
    expect(stderr).toContain(
      "DiscoveryFailed: Discovery failed for some groups, 1 failing: metrics",
    );
    expect(addonCalls(host)).toContain(disableCall);
    expect(existsSync(host.world("terminating"))).toBe(false);
    expect((await host.run(["down"])).status).toBe(0);
  });
});

test("down names an unavailable API that --autoscaling did not enable, but does not remove it", async () => {
  const host = minikubeMachine(service);
  host.setHost("Running");
  await host.run(["up"]);
  available(host, "False");

  const { status, stderr } = await host.run(["down"]);

  expect(status).toBe(1);
  expect(stderr).toContain(
    "The cluster cannot delete namespaces while these APIs are unavailable: v1beta1.metrics.k8s.io.",
  );
  expect(stderr).toContain("kubectl --context minikube delete apiservice v1beta1.metrics.k8s.io");
  expect(stderr).toContain("DiscoveryFailed: Discovery failed for some groups, 1 failing: metrics");
  expect(addonCalls(host)).toEqual([]);

  // Once the user has deleted it, everything works again.
  available(host, "True");
  expect((await host.run(["down"])).status).toBe(0);
  expect((await host.run([])).status).toBe(0);
});

test("up waits for an earlier deletion of the namespace", async () => {
  const host = minikubeMachine(service);
  await host.run(["up"]);
  writeFileSync(host.world("terminating"), "");

  const { status, stderr } = await host.run(["up"]);

  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(host.isDeployed()).toBe(true);
});
