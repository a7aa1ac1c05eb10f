import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { metricsPath } from "./api-pod.ts";
import { base64 } from "./base64.ts";
import { Grafana } from "./grafana.ts";
import { labels } from "./labels.ts";
import { apiSelectorLabels } from "./prediction-api.ts";
import { Prometheus } from "./prometheus.ts";

/** The arguments of {@link Monitoring}. */
export interface MonitoringArgs {
  /** The namespace of the service. */
  readonly namespace: pulumi.Input<string>;
  /** Whether to create a ServiceMonitor and a PrometheusRule. The cluster must know these kinds. */
  readonly prometheusOperator: boolean;
  /** Whether to create a ConfigMap with the dashboard, for Grafana's sidecar. */
  readonly dashboard: boolean;
  /** Additional labels for these objects. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether to deploy Prometheus and Grafana. */
  readonly deploy: boolean;
  readonly images: { readonly prometheus: string; readonly grafana: string };
  /** The token that Prometheus sends, if `/metrics` requires one. */
  readonly token?: pulumi.Output<string> | undefined;
}

const app = "prediction-service";
const tokenKey = "token";

/** Returns a generated file of `infra/monitoring`. */
const generated = (name: string) =>
  readFileSync(join(import.meta.dirname, "../monitoring", name), "utf8");

/** Monitors the service with Prometheus and Grafana. By default, it creates nothing. */
export class Monitoring extends pulumi.ComponentResource {
  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:Monitoring", name, {}, opts);
    const { namespace, prometheusOperator, dashboard, deploy, images } = args;
    const child = { parent: this };
    const metadata = {
      name: app,
      namespace,
      labels: { ...labels(app, "monitoring"), ...args.labels },
    };

    const token =
      args.token &&
      new k8s.core.v1.Secret(
        `${name}-token`,
        {
          metadata: {
            name: "metrics-token",
            namespace,
            labels: labels("metrics-token", "monitoring"),
          },
          data: { [tokenKey]: base64(args.token) },
        },
        child,
      );
    const tokenRef = token && { name: token.metadata.name, key: tokenKey };

    if (prometheusOperator) {
      new k8s.apiextensions.CustomResource(
        `${name}-service-monitor`,
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "ServiceMonitor",
          metadata,
          spec: {
            selector: { matchLabels: apiSelectorLabels },
            endpoints: [
              {
                port: "http",
                path: metricsPath,
                ...(tokenRef ? { authorization: { type: "Bearer", credentials: tokenRef } } : {}),
              },
            ],
          },
        },
        child,
      );
      new k8s.apiextensions.CustomResource(
        `${name}-rules`,
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "PrometheusRule",
          metadata,
          spec: parse(generated("rules.yaml")),
        },
        child,
      );
    }

    if (dashboard) {
      new k8s.core.v1.ConfigMap(
        `${name}-dashboard`,
        {
          metadata: {
            ...metadata,
            name: `${app}-dashboard`,
            // The default of Grafana's Helm chart.
            labels: { grafana_dashboard: "1", ...metadata.labels },
          },
          data: { "prediction-service.json": generated("dashboard.json") },
        },
        child,
      );
    }

    if (deploy) {
      const prometheus = new Prometheus(
        "prometheus",
        { namespace, image: images.prometheus, rules: generated("rules.yaml"), token: tokenRef },
        child,
      );
      new Grafana(
        "grafana",
        { namespace, image: images.grafana, prometheus, dashboard: generated("dashboard.json") },
        child,
      );
    }
    this.registerOutputs({});
  }
}
