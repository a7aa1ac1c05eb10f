import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, inject, vi } from "vitest";
import { z } from "zod";
import { docker } from "../../../test/docker.ts";
import { commandPath } from "../../../test/machine.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { runInForeignPod, send } from "./foreign-pod.ts";
import { KubernetesNode } from "./kubernetes-node.ts";
import { deployForAll, newHouse } from "./on-node.ts";

const running = inject("node");
const program = commandPath("prometheus");
const test = testNeeding(running !== undefined && program !== "");

const replicas = 2;
const namespace = "monitored";
const domain = `${namespace}.svc.cluster.local`;
/** Where a cluster's own Prometheus runs. */
const observability = "observability";

/** Images with Debian's Prometheus, and with a web server instead of Grafana. */
const images = { prometheus: "prometheus-stand-in:1.0", grafana: "grafana-stand-in:1.0" };

/** Builds images from a Dockerfile and programs of this machine, and loads them into the node. */
async function buildImages(node: KubernetesNode): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), "images-"));
  try {
    copyFileSync(program, join(context, "prometheus"));
    const dockerfiles = {
      [images.prometheus]: [
        "FROM debian:bookworm-slim",
        "COPY prometheus /bin/prometheus",
        'ENTRYPOINT ["prometheus"]',
      ],
      [images.grafana]: [
        "FROM busybox:1.37",
        "RUN mkdir -p /www/api && echo healthy >/www/api/health",
        'ENTRYPOINT ["httpd", "-f", "-p", "3000", "-h", "/www"]',
      ],
    };
    for (const [image, lines] of Object.entries(dockerfiles)) {
      const file = join(context, "Dockerfile");
      writeFileSync(file, lines.join("\n"));
      docker("build", "--tag", image, "--file", file, context);
    }
    await node.load(...Object.values(images));
    docker("image", "rm", ...Object.values(images));
  } finally {
    rmSync(context, { recursive: true });
  }
}

beforeAll(async () => {
  if (running === undefined || "failure" in running || program === "") return;
  const node = new KubernetesNode(running);
  await buildImages(node);
  await node.kubectl("create", "namespace", observability);
  return async () =>
    void (await node.kubectl("delete", "namespace", observability, "--wait=false"));
});

const stack = deployForAll(namespace, replicas, { images, monitoring: { deploy: true } });

beforeAll(async () => {
  if (running === undefined || program === "") return;
  for (const name of ["prometheus", "grafana"]) {
    await stack().kubectl("rollout", "status", `deployment/${name}`, "--timeout=240s");
  }
});

const Result = z.object({ data: z.unknown() });
const Vector = z.object({
  result: z.array(z.object({ metric: z.record(z.string(), z.string()) })),
});
const Rules = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })),
});

/** Asks the deployed Prometheus, through the API server. */
async function askPrometheus(path: string): Promise<unknown> {
  const proxy = `/api/v1/namespaces/${namespace}/services/prometheus:http/proxy/api/v1/${path}`;
  return Result.parse(JSON.parse(await stack().kubectl("get", "--raw", proxy))).data;
}

/** How long it may take until Prometheus has scraped all pods. */
const patience = { timeout: 180_000, interval: 1_000 };

test("the deployed Prometheus finds and scrapes each pod of the service, and evaluates the rules", async () => {
  expect(await stack().ask("/predict", newHouse())).toMatchObject({ status: 200 });
  const pods = (await stack().pods("prediction-api")).map(({ address }) => `${address}:8000`);
  expect(pods).toHaveLength(replicas);

  await vi.waitFor(async () => {
    const { result } = Vector.parse(await askPrometheus("query?query=up==1"));
    const labels = { job: "prediction-service", namespace };
    expect(result.map(({ metric }) => metric)).toEqual(
      expect.arrayContaining(pods.map((instance) => ({ __name__: "up", instance, ...labels }))),
    );
    expect(result).toHaveLength(replicas);
  }, patience);

  await vi.waitFor(async () => {
    const { groups } = Rules.parse(await askPrometheus("rules"));
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
  }, patience);
});

test("a Prometheus in another namespace can scrape the pods of the service, and reaches nothing else", async () => {
  const pods = await stack().pods("prediction-api");
  const scrape = ({ address }: { readonly address: string }) =>
    `wget -q -O - http://${address}:8000/metrics | grep -c "^http_requests_total"`;

  const answers = await runInForeignPod(
    stack().node,
    { namespace: observability, name: "prometheus" },
    ...pods.map(scrape),
    send("PING\\r\\n", `redis-service.${domain}`, 6379),
    send("GET / HTTP/1.0\\r\\n\\r\\n", `prometheus.${domain}`, 9090),
    send("GET / HTTP/1.0\\r\\n\\r\\n", `grafana.${domain}`, 3000),
  );

  const counted = expect.stringMatching(/^[1-9]\d*$/);
  expect(answers).toEqual([...pods.map(() => counted), "nothing", "nothing", "nothing"]);
});

test("a pod with the labels of Grafana in another namespace does not reach Prometheus", async () => {
  const answers = await runInForeignPod(
    stack().node,
    { namespace: observability, name: "grafana" },
    send("GET /-/ready HTTP/1.0\\r\\n\\r\\n", `prometheus.${domain}`, 9090),
  );

  expect(answers).toEqual(["nothing"]);
});

test("Grafana reaches Prometheus, but neither the service nor Redis", async () => {
  const run = (line: string) =>
    stack().kubectl("exec", "deployment/grafana", "--", "sh", "-c", `{ ${line}; } 2>/dev/null`);

  const answers = await Promise.all([
    run(send("GET /-/ready HTTP/1.0\\r\\n\\r\\n", `prometheus.${domain}`, 9090)),
    run(send("GET /health HTTP/1.0\\r\\n\\r\\n", `prediction-service.${domain}`, 8000)),
    run(send("PING\\r\\n", `redis-service.${domain}`, 6379)),
  ]);

  expect(answers).toEqual([expect.stringContaining("Ready"), "nothing", "nothing"]);
});

test("Prometheus reaches the service, but neither Redis nor Grafana", async () => {
  const connect = (host: string, port: number) => {
    const line = `timeout 5 bash -c "</dev/tcp/${host}/${port}" 2>/dev/null && echo reached || echo nothing`;
    return stack().kubectl("exec", "deployment/prometheus", "--", "bash", "-c", line);
  };

  const answers = await Promise.all([
    connect(`prediction-service.${domain}`, 8000),
    connect(`redis-service.${domain}`, 6379),
    connect(`grafana.${domain}`, 3000),
  ]);

  expect(answers).toEqual(["reached", "nothing", "nothing"]);
});
