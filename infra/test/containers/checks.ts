import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { clusterDns } from "./kubernetes-node.ts";
import { nodeLocalDns } from "./node-local-dns.ts";
import { eventually, images, type NodeUnderTest } from "./node-under-test.ts";
import { startRequestStream } from "./request-stream.ts";

/** A check on the node. Each check builds on the ones before it. */
export interface Check {
  readonly name: string;
  /** @returns a short summary */
  readonly run: (on: NodeUnderTest) => Promise<string>;
}

let population = 1000;

/** Returns a house that no request had before. */
const newHouse = () => ({
  MedInc: 8.3252,
  HouseAge: 41,
  AveRooms: 6.98,
  AveBedrms: 1.02,
  Population: population++,
  AveOccup: 2.56,
  Latitude: 37.88,
  Longitude: -122.23,
});

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`;

/** Checks that two pods with the latest image are ready, and that no other pods exist. */
async function isRolledOut(on: NodeUnderTest): Promise<void> {
  const pods = (await on.pods("prediction-api")).map(({ image, isReady }) => ({ image, isReady }));
  const wanted = { image: on.image, isReady: true };
  assert.deepEqual(pods, [wanted, wanted]);
}

const ready: Check = {
  name: "all pods become ready in a namespace that admits only restricted pods",
  async run(on) {
    const start = Date.now();
    await on.deploy();
    const applied = seconds(start);
    await eventually(120, () => isRolledOut(on));
    await eventually(60, async () => {
      assert.deepEqual(
        (await on.pods("redis")).map(({ isReady }) => isReady),
        [true],
      );
    });
    await assert.rejects(
      on.kubectl("run", "unrestricted", "--image", images.busybox, "--dry-run=server"),
      /violates PodSecurity "restricted:/,
    );
    return `applied in ${applied}, ready after ${seconds(start)}`;
  },
};

const predictions: Check = {
  name: "the Service answers predictions",
  async run(on) {
    const house = newHouse();
    const one = await on.ask("/predict", house);
    const bulk = await on.ask("/bulk_predict", { houses: [house, house] });
    assert.deepEqual([one.status, bulk.status], [200, 200]);
    const { prediction } = Object(one.body);
    assert.equal(typeof prediction, "number");
    assert.deepEqual(bulk.body, { predictions: [prediction, prediction] });
    return `${prediction}`;
  },
};

const cached: Check = {
  name: "a prediction is first a MISS, then a HIT from Redis",
  async run(on) {
    const before = await on.redisKeys();
    const house = newHouse();
    const first = await on.ask("/predict", house);
    assert.equal(first.headers.get("x-cache"), "MISS");
    const [key, ...others] = await eventually(5, async () => {
      const added = (await on.redisKeys()).filter((name) => !before.includes(name));
      assert.notEqual(added.length, 0);
      return added;
    });
    assert.deepEqual(others, []);
    const version = first.headers.get("x-model-version");
    assert.match(String(key), new RegExp(`^predictions:${version}:[^:]*predict:[0-9a-f]{64}$`));
    const second = await on.ask("/predict", house);
    assert.equal(second.headers.get("x-cache"), "HIT");
    assert.match(String(second.headers.get("cache-status")), /detail=redis/);
    assert.deepEqual(second.body, first.body);
    return String(key);
  },
};

const restricted: Check = {
  name: "only the service reaches Redis, Redis reaches nothing, and DNS works on the node and in a pod",
  async run(on) {
    const [api] = await on.pods("prediction-api");
    const resolver = await on.kubectl("exec", String(api?.name), "--", "cat", "/etc/resolv.conf");
    assert.match(resolver, new RegExp(`^nameserver ${nodeLocalDns}$`, "m"));

    const domain = `${on.namespace}.svc.cluster.local`;
    for (const server of [nodeLocalDns, clusterDns]) {
      const lookup = `const resolver = new (require("node:dns").promises.Resolver)();
        resolver.setServers(["${server}"]);
        resolver.resolve4("redis-service.${domain}").then(([address]) => console.log(address));`;
      const exec = ["exec", String(api?.name), "--", "node", "--eval", lookup];
      assert.match(await on.kubectl(...exec), /^10\.96\.\d+\.\d+$/);
    }
    const send = (text: string, host: string, port: number) =>
      `printf '${text}' | timeout 5 nc -w 3 ${host} ${port} | tail -n 1 | grep . || echo nothing`;
    const health = "GET /health HTTP/1.0\\r\\n\\r\\n";
    const [name, service, pod, redis] = await on.runForeignPod(
      `nslookup redis-service.${domain} >/dev/null && echo resolved`,
      send(health, `prediction-service.${domain}`, 8000),
      send(health, String(api?.address), 8000),
      send("PING\\r\\n", `redis-service.${domain}`, 6379),
    );
    assert.equal(name, "resolved");
    for (const answer of [service, pod]) assert.match(String(answer), /^\{"time":".*"\}$/);
    // Redis answers a client that reaches it, even without the password.
    assert.equal(redis, "nothing");

    const fromRedis = (line: string) =>
      on.kubectl("exec", "deployment/redis", "--", "sh", "-c", `timeout 5 ${line} || echo failed`);
    assert.equal(await fromRedis("redis-cli ping"), "PONG");
    assert.equal(await fromRedis(`redis-cli -h ${api?.address} -p 8000 ping`), "failed");
    assert.equal(await fromRedis(`getent hosts prediction-service.${domain}`), "failed");
    return `DNS at ${nodeLocalDns}`;
  },
};

const redisKilled: Check = {
  name: "predictions continue while Redis is down, and are hits once it is back",
  async run(on) {
    const house = newHouse();
    const start = Date.now();
    const [redis] = await on.pods("redis");
    await on.kubectl("delete", "pod", String(redis?.name), "--grace-period=0", "--force");
    const seen: (string | null)[] = [];
    while (seen.at(-1) !== "HIT") {
      const { status, headers } = await on.ask("/predict", house);
      assert.equal(status, 200);
      seen.push(headers.get("x-cache"));
      assert.ok(Date.now() - start < 60_000, "no HIT within a minute");
    }
    const changes = seen.filter((answer, index) => answer !== seen[index - 1]);
    return `${seen.length} answers, ${changes.join(", ")} after ${seconds(start)}`;
  },
};

const rollout: Check = {
  name: "a new image rolls out without losing a request",
  async run(on) {
    const target = `http://prediction-service.${on.namespace}.svc.cluster.local:8000/predict`;
    // The agent that enforces NetworkPolicies here sometimes drops a connection while pods change.
    await on.node.stopEnforcingPolicies();
    const stream = await startRequestStream(on.node, on.image, target);
    const start = Date.now();
    await on.deploy();
    await eventually(120, () => isRolledOut(on));
    const elapsed = Date.now() - start;
    await delay(2000);
    const { sent, failures } = await stream.end();
    assert.deepEqual(failures, []);
    assert.ok(sent > (elapsed / 1000) * 25, `only ${sent} requests in ${elapsed} ms`);
    return `${sent} requests, none lost; built and rolled out in ${seconds(start)}`;
  },
};

const hung: Check = {
  name: "a pod that hangs is restarted",
  async run(on) {
    const [victim] = await on.pods("prediction-api");
    const start = Date.now();
    process.kill(await on.node.processOf(String(victim?.containerId)), "SIGSTOP");
    await eventually(150, async () => {
      const pod = (await on.pods("prediction-api")).find(({ name }) => name === victim?.name);
      assert.deepEqual([pod?.restarts, pod?.isReady], [1, true]);
    });
    assert.equal((await on.ask("/predict", newHouse())).status, 200);
    return `ready again after ${seconds(start)}`;
  },
};

const destroyed: Check = {
  name: "destroying the stack leaves nothing",
  async run(on) {
    const kinds = await on.kubectl("api-resources", "--verbs=list", "--output=name");
    const label = "app.kubernetes.io/managed-by=pulumi";
    const which = [kinds.replaceAll("\n", ","), "--all-namespaces", "--selector", label];
    const objects = () => on.kubectl("get", ...which, "--output=name");
    const before = (await objects()).split("\n");
    assert.ok(before.includes(`namespace/${on.namespace}`), before.join());
    const start = Date.now();
    await on.stack.destroy();
    const duration = seconds(start);
    assert.equal(await objects(), "");
    return `${before.length} objects gone in ${duration}`;
  },
};

/** The checks, in the order in which they must run. */
export const checks: readonly Check[] = [
  ready,
  predictions,
  cached,
  restricted,
  redisKilled,
  rollout,
  hung,
  destroyed,
];
