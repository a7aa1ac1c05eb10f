import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { testInTerminal } from "./terminal.ts";
import { waitOptions } from "./wait-options.ts";

const service = serviceForAll();

testInTerminal("Ctrl-C in a terminal stops the running command and cleans up once", async () => {
  const host = minikubeMachine(service);
  const { ended, type } = host.start([], { env: { HANGS_AT: "pulumi up" }, terminal: true });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi up"), waitOptions);
  type("\u0003");

  const { stdout } = await ended;

  expect(stdout).toMatch(/^ +5 .* interrupted/m);
  expect(host.steps().slice(-2)).toEqual(["pulumi destroy", "minikube stop"]);
});

testInTerminal("Ctrl-C in a terminal is ignored during the clean-up", async () => {
  const host = minikubeMachine(service);
  const env = { FAILS_AT: "get all", SLOW_AT: "pulumi destroy" };
  const { ended, type } = host.start([], { env, terminal: true });
  await vi.waitFor(() => expect(host.steps()).toContain("pulumi destroy"), waitOptions);
  type("\u0003");
  // The terminal needs a moment to turn it into a signal.
  await delay(500);
  host.release();

  const { stdout } = await ended;

  expect(stdout).toMatch(/^ +10 .* passed/m);
  expect(host.isDeployed()).toBe(false);
});

testInTerminal("output in a terminal is colored, except with NO_COLOR", async () => {
  const run = async (env: Record<string, string>) => {
    const how = { env: { FAILS_AT: "minikube start", ...env }, terminal: true };
    return (await minikubeMachine(service).run([], how)).stdout;
  };

  expect(await run({})).toContain("\u001b[1m[2/10] Start Minikube\u001b[0m");
  expect(await run({ NO_COLOR: "1" })).not.toContain("\u001b");
});

testInTerminal(
  "sudo asks for a password in a terminal, so that minikube tunnel can run",
  async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env: { SUDO: "asks" }, terminal: true });

    expect(status).toBe(0);
    expect(stdout).toContain("minikube tunnel adds a route to the cluster: sudo asks");
    expect(host.calls()).toContain("sudo -v");
    expect(host.steps()).toContain("minikube tunnel ended by INT");
  },
);
