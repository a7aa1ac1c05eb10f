import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();

type Host = ReturnType<typeof minikubeMachine>;

// Nothing listens there: a request that used the proxy would fail.
const proxyUrl = "http://127.0.0.1:9";

/** Returns the proxy exceptions of each call of a command that connects to the cluster. */
function exceptions(host: Host): { call: string; upper: string; lower: string }[] {
  const text = existsSync(host.world("proxy")) ? readFileSync(host.world("proxy"), "utf8") : "";
  return text
    .trimEnd()
    .split("\n")
    .map((line) => /^(.*) NO_PROXY=(.*) no_proxy=(.*)$/.exec(line) ?? [])
    .map(([, call = "", upper = "", lower = ""]) => ({ call, upper, lower }))
    .filter(({ call }) => /^(kubectl|docker|pulumi (up|destroy|refresh))/.test(call))
    .filter(({ call }) => !call.includes("config view"));
}

const clusterHosts = "192.0.2.49,api.example";

describe("behind a proxy", () => {
  test.each<[what: string, variables: Record<string, string>, upper: string, lower: string]>([
    ["HTTPS_PROXY set", { HTTPS_PROXY: proxyUrl }, clusterHosts, clusterHosts],
    ["http_proxy set", { http_proxy: proxyUrl }, clusterHosts, clusterHosts],
    [
      "exceptions in NO_PROXY",
      { HTTP_PROXY: proxyUrl, NO_PROXY: "corp.example" },
      `corp.example,${clusterHosts}`,
      `corp.example,${clusterHosts}`,
    ],
    [
      "exceptions in no_proxy",
      { https_proxy: proxyUrl, no_proxy: "corp.example" },
      `corp.example,${clusterHosts}`,
      `corp.example,${clusterHosts}`,
    ],
    [
      "different exceptions in both",
      { HTTPS_PROXY: proxyUrl, NO_PROXY: "one.example", no_proxy: "two.example" },
      `one.example,${clusterHosts}`,
      `two.example,${clusterHosts}`,
    ],
    [
      "the address already an exception",
      { HTTPS_PROXY: proxyUrl, NO_PROXY: "192.0.2.49,corp.example" },
      "192.0.2.49,corp.example,api.example",
      "192.0.2.49,corp.example,api.example",
    ],
    [
      "an address that contains ours as a part",
      { HTTPS_PROXY: proxyUrl, NO_PROXY: "192.0.2.490" },
      `192.0.2.490,${clusterHosts}`,
      `192.0.2.490,${clusterHosts}`,
    ],
    ["every host an exception", { HTTPS_PROXY: proxyUrl, NO_PROXY: "*" }, "*", "*"],
  ])("child processes reach the cluster directly with %s", async (_, env, upper, lower) => {
    const host = minikubeMachine(service);

    const { status } = await host.run([], { env });

    expect(status).toBe(0);
    const calls = exceptions(host);
    expect(calls.length).toBeGreaterThan(10);
    // Once the tunnel is open, the service's address is also an exception.
    const serviceAddress = upper === "*" ? "" : ",127.0.0.1";
    const opened = calls.findIndex(({ call }) => call.includes("redis-cli"));
    for (const [index, each] of calls.entries()) {
      const added = [index < opened ? "" : serviceAddress, serviceAddress];
      expect(added.map((addition) => upper + addition)).toContain(each.upper);
      expect(added.map((addition) => lower + addition)).toContain(each.lower);
    }
  });

  test.each([["status"], ["down"], ["up"]])(
    "child processes of %s reach the cluster directly",
    async (command) => {
      const host = minikubeMachine(service);
      await host.run(["up"]);
      const before = exceptions(host).length;

      const { status } = await host.run([command], { env: { HTTPS_PROXY: proxyUrl } });

      expect(status).toBe(0);
      const calls = exceptions(host).slice(before);
      expect(calls).not.toEqual([]);
      for (const { upper, lower } of calls) {
        expect(upper).toContain(clusterHosts);
        expect(lower).toContain(clusterHosts);
      }
    },
  );
});

test("without a proxy, NO_PROXY is not set", async () => {
  const host = minikubeMachine(service);

  await host.run([]);

  const calls = exceptions(host);
  expect(calls.length).toBeGreaterThan(10);
  expect(new Set(calls.map(({ upper, lower }) => upper + lower))).toEqual(new Set([""]));
});

test.each([
  ["minikube ip", "Minikube reported no address"],
  ["config view", "kubectl has no context 'minikube'"],
])("behind a proxy, a failing %s is reported", async (call, message) => {
  const { status, stderr } = await minikubeMachine(service).run([], {
    env: { HTTPS_PROXY: proxyUrl, FAILS_AT: call },
  });

  expect(status).toBe(1);
  expect(stderr).toContain(message);
});
