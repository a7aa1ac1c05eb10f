import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { overrideResponses } from "./override-responses.ts";

const service = serviceForAll();

type Host = ReturnType<typeof minikubeMachine>;

const tunnels = (host: Host) => host.steps().filter((step) => step.startsWith("minikube tunnel"));
const forwards = (host: Host) =>
  host.calls().filter((call) => /^kubectl.*(port-forward|ended)/.test(call));

const addressPrefix = "http://127.0.0.1:";
const forwardCall =
  "kubectl --context minikube -n w255 port-forward --address 127.0.0.1 service/prediction-service :http";

describe("kubectl port-forward", () => {
  test.each([
    ["if minikube tunnel exits", { TUNNEL: "ends" }, "no route available"],
    [
      "if minikube tunnel sets no address",
      { TUNNEL: "hangs", TUNNEL_SECONDS: "1" },
      "minikube tunnel does not reach the service. Its last output:",
    ],
    ["if sudo needs a password", { SUDO: "locked" }, "without a terminal sudo cannot ask"],
  ])("kubectl port-forward is used %s", async (_, env, reason) => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env });

    expect(status).toBe(0);
    expect(stdout).toContain(reason);
    expect(stdout).toContain("Started kubectl port-forward");
    expect(forwards(host)).toEqual([forwardCall, "kubectl ended by INT"]);
  });

  test("kubectl port-forward is used with --port-forward", async () => {
    const host = minikubeMachine(service);

    expect((await host.run(["--port-forward"])).status).toBe(0);
    expect(tunnels(host)).toEqual([]);
    expect(forwards(host)).toEqual([forwardCall, "kubectl ended by INT"]);
  });
});

test("minikube tunnel needs no sudo on macOS", async () => {
  const host = minikubeMachine(service, { platform: "Darwin arm64" });

  expect((await host.run([], { env: { SUDO: "locked" } })).status).toBe(0);
  expect(tunnels(host)).toEqual(["minikube tunnel", "minikube tunnel ended by INT"]);
});

describe("a second up", () => {
  test.each([
    ["tunnel", [], tunnels, ["minikube tunnel"]],
    ["port-forward", ["--port-forward"], forwards, [forwardCall]],
  ] as const)("a second up keeps a working %s", async (_, options, opened, expected) => {
    const host = minikubeMachine(service);
    await host.run(["up", ...options]);

    const { status, stdout } = await host.run(["up", ...options]);

    expect(status).toBe(0);
    expect(stdout).toContain("already gives access to the service.");
    expect(stdout).toContain(`The service is at http://127.0.0.1:${service.port}.`);
    expect(opened(host)).toEqual(expected);
    await host.run(["down"]);
    expect(opened(host)).toHaveLength(2);
  });

  test("a second up replaces a tunnel whose process is gone", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);
    host.end("staying");

    expect((await host.run(["up"])).status).toBe(0);
    expect(tunnels(host)).toEqual(["minikube tunnel", "minikube tunnel"]);
  });

  test("a second up replaces a tunnel that no longer reaches the service", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);
    rmSync(host.world("external-address"));

    expect((await host.run(["up"], { env: { REUSE_SECONDS: "1" } })).status).toBe(0);
    expect(tunnels(host)).toEqual([
      "minikube tunnel",
      "minikube tunnel ended by INT",
      "minikube tunnel",
    ]);
  });

  test("up --port-forward replaces a tunnel, and up without this option replaces the port-forward", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);
    await host.run(["up", "--port-forward"]);
    await host.run(["up"]);

    expect(tunnels(host)).toEqual([
      "minikube tunnel",
      "minikube tunnel ended by INT",
      "minikube tunnel",
    ]);
    expect(forwards(host)).toEqual([forwardCall, "kubectl ended by INT"]);
  });
});

describe("status", () => {
  test.each([
    [
      "the tunnel's process is gone",
      (host: Host) => host.end("staying"),
      "No tunnel or port-forward is open: ./run.sh up opens one.",
    ],
    [
      "the cluster is a new one",
      (host: Host) => rmSync(host.world("external-address")),
      "no longer gives access to the service: ./run.sh up opens it again.",
    ],
  ])("status prints no address if %s", async (_, change, reason) => {
    const host = minikubeMachine(service);
    await host.run(["up"]);
    change(host);

    const { status, stdout, stderr } = await host.run(["status"]);

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(stdout + stderr).not.toContain(addressPrefix);
  });

  test("status prints no address if nothing responds there", async () => {
    const host = minikubeMachine(service);
    await host.run(["up"]);
    const silent = await overrideResponses(service, {
      "GET /health": (_, response) => void response.destroy(),
    });

    const { status, stdout, stderr } = await host.run(["status"], {
      env: { API_PORT: String(silent) },
    });

    expect(status).toBe(1);
    expect(stdout + stderr).not.toContain(addressPrefix);
  });

  test("status fails if the service responds but is not healthy", async () => {
    const host = minikubeMachine(service);
    const port = await overrideResponses(service, {
      "GET /health": (_, response) => void response.writeHead(503).end(),
    });
    await host.run(["up"]);

    const { status, stderr } = await host.run(["status"], { env: { API_PORT: String(port) } });

    expect(status).toBe(1);
    expect(stderr).toContain(`The API at http://127.0.0.1:${port} is not healthy.`);
  });
});

test("up prints no address if it fails before there is one", async () => {
  const host = minikubeMachine(service);
  await host.run(["up"]);

  const { status, stdout } = await host.run(["up"], { env: { FAILS_AT: "pulumi up" } });

  expect(status).not.toBe(0);
  expect(stdout).not.toContain(addressPrefix);
});
