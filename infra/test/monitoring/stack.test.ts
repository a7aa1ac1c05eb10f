import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { waitOptions } from "../../../test/wait-options.ts";
import { job } from "../../monitoring/queries.ts";
import { ApiServer, apiServerTest as test } from "../api-server.ts";
import { DeployedStack } from "../deployed-stack.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { dev } from "../stack-config.ts";
import { readPanels, readRules, rulesFile } from "./generated-files.ts";
import { operatorKinds } from "./operator-crds.ts";
import { prometheusTest } from "./prometheus.ts";

const operator = "monitoring.coreos.com/v1";
const token = "a-token-for-tests";

let server: ApiServer | undefined;
let api: KubernetesApi;
let stack: DeployedStack;

beforeAll(async () => {
  server = await ApiServer.start();
  if (server === undefined) return;
  ({ api } = server);
  stack = new DeployedStack(server);
  for (const kind of operatorKinds) await api.apply(kind);
  // The server takes a moment to serve new kinds.
  await vi.waitFor(async () => {
    const { body } = await api.request("GET", `/apis/${operator}`);
    const served = operatorKinds.map(({ spec: { names } }) =>
      expect.objectContaining({ name: names.plural }),
    );
    expect(body).toMatchObject({ resources: expect.arrayContaining(served) });
  }, waitOptions);
});

afterAll(() => server?.stop());

/** Deploys the stack of `Pulumi.dev.yaml` with more settings. */
async function deploy(settings: Readonly<Record<string, object | string>>): Promise<void> {
  const more = Object.entries(settings).map(([name, value]) => [
    `prediction-service:${name}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const secretKeys = ["prediction-service:apiTokens", "prediction-service:metricsToken"];
  const config = { ...dev.config, ...Object.fromEntries(more) };
  const { log } = await stack.up({ config, secretKeys });
  expect(log).toBe("");
}

const get = (kind: string, name: string, apiVersion = "v1") =>
  api.get({ apiVersion, kind, metadata: { name, namespace: "w255" } });

/** The objects that exist only for monitoring. */
const ofMonitoring = () =>
  stack.objects
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .filter((name) => /prometheus|grafana|dashboard|Monitor|Rule|prediction-pods|token/i.test(name))
    .sort();

const Services = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.object({ ports: z.array(z.object({ name: z.string() })) }),
    }),
  ),
});

const ServiceMonitor = z.object({
  spec: z.object({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    endpoints: z.tuple([z.object({ port: z.string() })]),
  }),
});

const ConfigMap = z.object({ data: z.record(z.string(), z.string()) });

const Deployment = z.object({
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()) }),
    }),
  }),
});

const annotationsOf = async (name: string) =>
  Deployment.parse(await get("Deployment", name, "apps/v1")).spec.template.metadata.annotations;

describe("monitoring on a real API server", () => {
  test("by default, the stack has no objects for monitoring", async () => {
    await deploy({});
    expect(ofMonitoring()).toEqual([]);
    expect(Object.keys(await annotationsOf("prediction-api"))).toEqual([
      "prediction-service/secret-uid",
    ]);
  });

  test("monitoring.scrapeAnnotations annotates the pods", async () => {
    await deploy({ monitoring: { scrapeAnnotations: true } });
    expect(ofMonitoring()).toEqual([]);
    expect(await annotationsOf("prediction-api")).toMatchObject({
      "prometheus.io/scrape": "true",
      "prometheus.io/port": "8000",
      "prometheus.io/path": "/metrics",
    });
  });

  test("monitoring.prometheusOperator creates a ServiceMonitor for the Service, and the rules", async () => {
    const labels = { release: "monitoring" };
    await deploy({ monitoring: { prometheusOperator: true, labels } });
    const name = "prediction-service";
    expect(ofMonitoring()).toEqual([`PrometheusRule ${name}`, `ServiceMonitor ${name}`]);

    const rules = await get("PrometheusRule", name, operator);
    expect(rules).toMatchObject({
      metadata: { labels },
      spec: parse(readFileSync(rulesFile, "utf8")),
    });

    const monitor = await get("ServiceMonitor", name, operator);
    expect(monitor).toMatchObject({ metadata: { labels } });
    const { selector, endpoints } = ServiceMonitor.parse(monitor).spec;
    const query = Object.entries(selector.matchLabels).map((pair) => pair.join("="));
    const path = `/api/v1/namespaces/w255/services?labelSelector=${query.join(",")}`;
    const { items } = Services.parse((await api.request("GET", path)).body);
    // The operator names the job after the Service, and the rules select that job.
    expect(items.map(({ metadata }) => metadata.name)).toEqual([job]);
    expect(items[0]?.spec.ports.map(({ name }) => name)).toContain(endpoints[0].port);
  });

  test("a misspelled field of a ServiceMonitor or a PrometheusRule is refused", async () => {
    const metadata = { name: "wrong", namespace: "w255" };
    const monitor = { selector: {}, endpoints: [{ prot: "http" }] };
    const rules = { groups: [{ name: "a", rules: [{ alert: "A", expr: "up", four: "5m" }] }] };
    for (const [kind, spec, field] of [
      ["ServiceMonitor", monitor, "prot"],
      ["PrometheusRule", rules, "four"],
    ] as const) {
      const object = { apiVersion: operator, kind, metadata, spec };
      await expect(api.apply(object)).rejects.toThrow(`${field}: field not declared in schema`);
    }
  });

  test("the ServiceMonitor sends the token that /metrics requires", async () => {
    const tokens = { apiTokens: `${token}\nanother-token-for-tests`, metricsToken: token };
    await deploy({
      ...tokens,
      service: { env: { API_TOKENS_FOR: "api,metrics" } },
      monitoring: { prometheusOperator: true },
    });
    const credentials = { name: "metrics-token", key: "token" };
    expect(await get("ServiceMonitor", "prediction-service", operator)).toMatchObject({
      spec: { endpoints: [{ authorization: { type: "Bearer", credentials } }] },
    });
    expect(await get("Secret", "metrics-token")).toMatchObject({
      data: { token: Buffer.from(token).toString("base64") },
    });
  });

  test("monitoring.dashboard creates a ConfigMap that the sidecar of Grafana finds", async () => {
    await deploy({ monitoring: { dashboard: true, labels: { team: "ml" } } });
    expect(ofMonitoring()).toEqual(["ConfigMap prediction-service-dashboard"]);
    const found = await get("ConfigMap", "prediction-service-dashboard");
    expect(found).toMatchObject({ metadata: { labels: { grafana_dashboard: "1", team: "ml" } } });
    const [[file = "", text = ""] = []] = Object.entries(ConfigMap.parse(found).data);
    expect(file).toMatch(/\.json$/);
    expect(JSON.parse(text).panels).toHaveLength(readPanels().length);
  });

  test("service.targetRequestsPerSecond adds a metric of the custom metrics API to the autoscaler", async () => {
    await deploy({ service: { targetRequestsPerSecond: 500 } });
    const metric = { name: "http_requests_per_second" };
    expect(await get("HorizontalPodAutoscaler", "prediction-api", "autoscaling/v2")).toMatchObject({
      spec: {
        metrics: [
          { type: "Resource" },
          { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "500" } } },
        ],
      },
    });
  });

  test("monitoring.deploy deploys Prometheus and Grafana as restricted pods with the given images", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const images = {
      prometheus: `prom/prometheus@${digest}`,
      grafana: `grafana/grafana@${digest}`,
    };
    await deploy({ monitoring: { deploy: true }, images });
    const both = (kind: string) => [`${kind} grafana`, `${kind} prometheus`];
    expect(ofMonitoring()).toEqual(
      [
        ...["ConfigMap", "Deployment", "NetworkPolicy", "Service", "ServiceAccount"].flatMap(both),
        "ConfigMap grafana-dashboards",
        "Service prediction-pods",
      ].sort(),
    );
    for (const [name, image] of Object.entries(images)) {
      const template = { spec: { containers: [{ image }] } };
      const deployment = await get("Deployment", name, "apps/v1");
      expect(deployment).toMatchObject({ spec: { template } });
    }
  });

  test("a changed configuration restarts Prometheus, but not Grafana or the service", async () => {
    const digests = async () => {
      const names = ["prometheus", "grafana"];
      return Promise.all(
        names.map(async (name) => (await annotationsOf(name))["prediction-service/config-digest"]),
      );
    };
    const before = await digests();
    await deploy({
      monitoring: { deploy: true },
      apiTokens: token,
      metricsToken: token,
      service: { env: { API_TOKENS_FOR: "metrics" } },
    });
    const after = await digests();
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
  });

  prometheusTest(
    "promtool accepts the configuration and the rules of the deployed Prometheus",
    async () => {
      const { data } = ConfigMap.parse(await get("ConfigMap", "prometheus"));
      const folder = mkdtempSync(join(tmpdir(), "prometheus-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const tokenFile = join(folder, "token");
      writeFileSync(tokenFile, token);
      for (const [name, content] of Object.entries(data)) {
        const here = content
          .replaceAll("/etc/prometheus/", `${folder}/`)
          .replaceAll("/etc/metrics-token/token", tokenFile);
        writeFileSync(join(folder, name), here);
      }
      const check = ["check", "config", join(folder, "prometheus.yml")];
      const printed = execFileSync("promtool", check, { encoding: "utf8" });
      expect(printed).toContain(`SUCCESS: ${readRules().length} rules found`);
      const config = parse(data["prometheus.yml"] ?? "");
      expect(config).toMatchObject({
        scrape_configs: [
          {
            job_name: job,
            authorization: { credentials_file: "/etc/metrics-token/token" },
            dns_sd_configs: [{ names: ["prediction-pods.w255.svc.cluster.local"], port: 8000 }],
          },
        ],
      });
    },
  );

  test("Grafana's data source is the deployed Prometheus, and the dashboard is its home page", async () => {
    const { data } = ConfigMap.parse(await get("ConfigMap", "grafana"));
    expect(parse(data["datasources-prometheus.yaml"] ?? "")).toMatchObject({
      datasources: [{ type: "prometheus", url: "http://prometheus.w255.svc.cluster.local:9090" }],
    });
    const dashboards = ConfigMap.parse(await get("ConfigMap", "grafana-dashboards"));
    const [file = ""] = Object.keys(dashboards.data);
    const home = {
      name: "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH",
      value: `/etc/dashboards/${file}`,
    };
    const mount = { name: "dashboards", mountPath: "/etc/dashboards", readOnly: true };
    expect(await get("Deployment", "grafana", "apps/v1")).toMatchObject({
      spec: {
        template: {
          spec: {
            containers: [
              {
                env: expect.arrayContaining([home]),
                volumeMounts: expect.arrayContaining([mount]),
              },
            ],
            volumes: expect.arrayContaining([
              { name: "dashboards", configMap: { name: "grafana-dashboards", defaultMode: 420 } },
            ]),
          },
        },
      },
    });
  });

  test("without the settings for monitoring, its objects are removed again", async () => {
    await deploy({});
    expect(ofMonitoring()).toEqual([]);
    expect(await get("Deployment", "grafana", "apps/v1")).toBeUndefined();
    expect(await get("ServiceMonitor", "prediction-service", operator)).toBeUndefined();
  });
});
