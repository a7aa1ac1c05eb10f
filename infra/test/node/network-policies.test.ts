import { describe, expect } from "vitest";
import { runInForeignPod, send } from "./foreign-pod.ts";
import { clusterDns, nodeLocalDns } from "./kubernetes-node.ts";
import { deployForAll, test } from "./on-node.ts";

const stack = deployForAll("network-policies", 1);

const domain = "network-policies.svc.cluster.local";

/** Runs a command in the pod of the service, or in that of Redis. */
const runIn = (workload: string, ...command: string[]) =>
  stack().kubectl("exec", `deployment/${workload}`, "--", ...command);

async function addressOfService(): Promise<string> {
  const [pod] = await stack().pods("prediction-api");
  return String(pod?.address);
}

test("pods of the service use NodeLocal DNSCache, whose address is not that of a pod", async () => {
  const configuration = await runIn("prediction-api", "cat", "/etc/resolv.conf");

  expect(configuration.split("\n")).toContain(`nameserver ${nodeLocalDns}`);
});

test.for([
  ["on the node", nodeLocalDns],
  ["in a pod", clusterDns],
])("pods of the service reach a DNS server %s", async ([, server]) => {
  const lookup = `const resolver = new (require("node:dns").promises.Resolver)();
      resolver.setServers(["${server}"]);
      resolver.resolve4("redis-service.${domain}").then(([address]) => console.log(address));`;

  expect(await runIn("prediction-api", "node", "--eval", lookup)).toMatch(/^10\.96\.\d+\.\d+$/);
});

describe("a pod in another namespace with the labels of the service's pods", () => {
  test("a pod in another namespace reaches the service, but not Redis", async () => {
    const health = "GET /health HTTP/1.0\\r\\n\\r\\n";

    const answers = await runInForeignPod(
      stack().node,
      { namespace: "default", name: "prediction-api" },
      `nslookup redis-service.${domain} >/dev/null && echo resolved`,
      send(health, `prediction-service.${domain}`, 8000),
      send(health, await addressOfService(), 8000),
      // Redis answers a client that reaches it, even without the password.
      send("PING\\r\\n", `redis-service.${domain}`, 6379),
    );

    const healthy = expect.stringMatching(/^\{"time":".*"\}$/);
    expect(answers).toEqual(["resolved", healthy, healthy, "nothing"]);
  });
});

test("Redis reaches neither the service nor DNS", async () => {
  const attempt = (line: string) => runIn("redis", "sh", "-c", `timeout 5 ${line} || echo failed`);

  const answers = await Promise.all([
    attempt("redis-cli ping"),
    attempt(`redis-cli -h ${await addressOfService()} -p 8000 ping`),
    attempt(`getent hosts prediction-service.${domain}`),
  ]);

  expect(answers).toEqual(["PONG", "failed", "failed"]);
});
