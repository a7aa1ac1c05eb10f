import { hash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { job } from "../monitoring/queries.ts";
import { port as apiPort, metricsPath } from "./api-pod.ts";
import { dnsEgress } from "./dns-egress.ts";
import { grafanaLabels } from "./grafana.ts";
import { labels, selectorLabels } from "./labels.ts";
import { MonitoringWorkload } from "./monitoring-workload.ts";
import { users } from "./pod-security.ts";
import { apiSelectorLabels } from "./prediction-api.ts";

/** The arguments of a {@link Prometheus}. */
export interface PrometheusArgs {
  /** The namespace of the service, and of Prometheus. */
  readonly namespace: pulumi.Input<string>;
  readonly image: string;
  /** The text of a rule file. */
  readonly rules: string;
  /** The key of a Secret with the token that `/metrics` requires. */
  readonly token?: { readonly name: pulumi.Output<string>; readonly key: string } | undefined;
}

const app = "prometheus";
const port = 9090;
const configFolder = "/etc/prometheus";
const tokenFolder = "/etc/metrics-token";
const probe = { timeoutSeconds: 3, periodSeconds: 10, failureThreshold: 6 };

/**
 * Returns the configuration. Prometheus finds the pods by DNS, so it needs no access to the Kubernetes
 * API.
 *
 * @param pods the DNS name that resolves to the addresses of the pods
 * @param tokenFile the path of the token that `/metrics` requires
 */
function prometheusConfig(namespace: string, pods: string, tokenFile?: string) {
  return {
    global: { scrape_interval: "15s", evaluation_interval: "15s" },
    rule_files: [`${configFolder}/rules.yaml`],
    scrape_configs: [
      {
        job_name: job,
        metrics_path: metricsPath,
        ...(tokenFile === undefined ? {} : { authorization: { credentials_file: tokenFile } }),
        dns_sd_configs: [{ names: [pods], type: "A", port: apiPort, refresh_interval: "15s" }],
        relabel_configs: [{ target_label: "namespace", replacement: namespace }],
      },
    ],
  };
}

/** A Prometheus that scrapes the pods of the service and evaluates the rules. It keeps a week of data. */
export class Prometheus extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;
  /** The rule that lets a pod connect to it. */
  readonly egress: k8s.types.input.networking.v1.NetworkPolicyEgressRule;

  constructor(name: string, args: PrometheusArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:Prometheus", name, {}, opts);
    const { namespace, image, rules, token } = args;
    const child = { parent: this };

    const pods = new k8s.core.v1.Service(
      `${name}-pods`,
      {
        metadata: {
          name: "prediction-pods",
          namespace,
          labels: labels("prediction-pods", "monitoring"),
        },
        spec: {
          clusterIP: "None",
          selector: apiSelectorLabels,
          // Pods that are not ready are scraped, too.
          publishNotReadyAddresses: true,
          ports: [{ name: "http", port: apiPort, targetPort: "http" }],
        },
      },
      child,
    );
    const config = pulumi.all([namespace, pods.metadata.name]).apply(([where, service]) => {
      const host = `${service}.${where}.svc.cluster.local`;
      return stringify(prometheusConfig(where, host, token && `${tokenFolder}/${token.key}`));
    });
    const files = new k8s.core.v1.ConfigMap(
      name,
      {
        metadata: { name: app, namespace, labels: labels(app, "monitoring") },
        data: { "prometheus.yml": config, "rules.yaml": rules },
      },
      child,
    );

    const mounts = [
      { name: "config", mountPath: configFolder, readOnly: true },
      { name: "data", mountPath: "/prometheus" },
    ];
    const volumes: k8s.types.input.core.v1.Volume[] = [
      { name: "config", configMap: { name: files.metadata.name } },
      { name: "data", emptyDir: { sizeLimit: "1Gi" } },
    ];
    if (token) {
      mounts.push({ name: "token", mountPath: tokenFolder, readOnly: true });
      volumes.push({ name: "token", secret: { secretName: token.name, defaultMode: 0o440 } });
    }

    const workload = new MonitoringWorkload(
      app,
      {
        namespace,
        image,
        user: users.nobody,
        port,
        ingress: [
          {
            from: [{ podSelector: { matchLabels: grafanaLabels } }],
            ports: [{ protocol: "TCP", port }],
          },
        ],
        egress: [
          dnsEgress,
          {
            to: [{ podSelector: { matchLabels: apiSelectorLabels } }],
            ports: [{ protocol: "TCP", port: apiPort }],
          },
        ],
        configDigest: config.apply((text) => hash("sha256", text + rules)),
        container: {
          args: [
            `--config.file=${configFolder}/prometheus.yml`,
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=7d",
            "--storage.tsdb.retention.size=768MB",
          ],
          resources: {
            requests: { cpu: "50m", memory: "256Mi" },
            limits: { cpu: "500m", memory: "512Mi" },
          },
          readinessProbe: { ...probe, httpGet: { path: "/-/ready", port: "http" } },
          livenessProbe: { ...probe, httpGet: { path: "/-/healthy", port: "http" } },
          volumeMounts: mounts,
        },
        volumes,
      },
      child,
    );

    this.url = workload.url;
    this.egress = {
      to: [{ podSelector: { matchLabels: selectorLabels(app) } }],
      ports: [{ protocol: "TCP", port }],
    };
    this.registerOutputs({ url: this.url });
  }
}
