import { hash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { dnsEgress } from "./dns-egress.ts";
import { labels, selectorLabels } from "./labels.ts";
import { MonitoringWorkload } from "./monitoring-workload.ts";
import { users } from "./pod-security.ts";
import type { Prometheus } from "./prometheus.ts";

/** The arguments of a {@link Grafana}. */
export interface GrafanaArgs {
  /** The namespace to deploy to. */
  readonly namespace: pulumi.Input<string>;
  readonly image: string;
  /** The source of its data. */
  readonly prometheus: Pick<Prometheus, "url" | "egress">;
  /** The dashboard as JSON. */
  readonly dashboard: string;
}

const app = "grafana";
const port = 3000;
const dashboardFolder = "/etc/dashboards";
const probe = { httpGet: { path: "/api/health", port: "http" }, timeoutSeconds: 3 };

/** The labels that select its pod. */
export const grafanaLabels = selectorLabels(app);

/**
 * Visitors can read everything without a password, but cannot change anything. Nobody can log in.
 */
const environment = {
  GF_AUTH_ANONYMOUS_ENABLED: "true",
  GF_AUTH_ANONYMOUS_ORG_ROLE: "Viewer",
  GF_AUTH_BASIC_ENABLED: "false",
  GF_AUTH_DISABLE_LOGIN_FORM: "true",
  GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: "true",
  GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: `${dashboardFolder}/prediction-service.json`,
  // The pod's NetworkPolicy allows no connections to other hosts.
  GF_ANALYTICS_REPORTING_ENABLED: "false",
  GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
  GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
  GF_NEWS_NEWS_FEED_ENABLED: "false",
  GF_PLUGINS_PREINSTALL_DISABLED: "true",
};

/** Grafana's provisioning files by path. JSON is YAML. */
const provisioning = (prometheusUrl: string) => ({
  "datasources/prometheus.yaml": JSON.stringify({
    apiVersion: 1,
    datasources: [
      {
        name: "Prometheus",
        type: "prometheus",
        uid: "prometheus",
        url: prometheusUrl,
        access: "proxy",
        isDefault: true,
        jsonData: { timeInterval: "15s" },
      },
    ],
  }),
  "dashboards/files.yaml": JSON.stringify({
    apiVersion: 1,
    providers: [
      {
        name: "files",
        type: "file",
        allowUiUpdates: false,
        disableDeletion: true,
        options: { path: dashboardFolder },
      },
    ],
  }),
});

/** A key of a ConfigMap can't contain a slash. */
const keyOf = (path: string) => path.replace("/", "-");

/** A Grafana with the dashboard. It stores nothing that matters, so a restart loses nothing. */
export class Grafana extends pulumi.ComponentResource {
  constructor(name: string, args: GrafanaArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:Grafana", name, {}, opts);
    const { namespace, image, prometheus, dashboard } = args;
    const child = { parent: this };
    const metadata = { name: app, namespace, labels: labels(app, "monitoring") };

    const files = prometheus.url.apply((url) => Object.entries(provisioning(url)));
    const config = new k8s.core.v1.ConfigMap(
      name,
      {
        metadata,
        data: files.apply((entries) =>
          Object.fromEntries(entries.map(([path, content]) => [keyOf(path), content])),
        ),
      },
      child,
    );
    const dashboards = new k8s.core.v1.ConfigMap(
      `${name}-dashboards`,
      {
        metadata: { ...metadata, name: `${app}-dashboards` },
        data: { "prediction-service.json": dashboard },
      },
      child,
    );

    new MonitoringWorkload(
      app,
      {
        namespace,
        image,
        user: users.grafana,
        port,
        // None: kubectl port-forward does not go through the network of the pods.
        ingress: [],
        egress: [dnsEgress, prometheus.egress],
        configDigest: files.apply((entries) => hash("sha256", JSON.stringify(entries) + dashboard)),
        container: {
          env: Object.entries(environment).map(([name, value]) => ({ name, value })),
          resources: {
            requests: { cpu: "50m", memory: "128Mi" },
            limits: { cpu: "500m", memory: "512Mi" },
          },
          // The first start creates a database.
          startupProbe: { ...probe, periodSeconds: 2, failureThreshold: 60 },
          readinessProbe: { ...probe, periodSeconds: 10, failureThreshold: 3 },
          livenessProbe: { ...probe, periodSeconds: 10, failureThreshold: 6 },
          volumeMounts: [
            { name: "provisioning", mountPath: "/etc/grafana/provisioning", readOnly: true },
            { name: "dashboards", mountPath: dashboardFolder, readOnly: true },
            { name: "data", mountPath: "/var/lib/grafana" },
            { name: "temporary", mountPath: "/tmp" },
          ],
        },
        volumes: [
          {
            name: "provisioning",
            configMap: {
              name: config.metadata.name,
              items: files.apply((entries) =>
                entries.map(([path]) => ({ key: keyOf(path), path })),
              ),
            },
          },
          { name: "dashboards", configMap: { name: dashboards.metadata.name } },
          { name: "data", emptyDir: { sizeLimit: "256Mi" } },
          { name: "temporary", emptyDir: { sizeLimit: "64Mi" } },
        ],
      },
      child,
    );
    this.registerOutputs({});
  }
}
