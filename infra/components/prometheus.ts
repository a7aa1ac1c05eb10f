import { hash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { job } from "../monitoring/queries.ts";
import { metricsPath, port as apiPort } from "./api-pod.ts";
import { dnsEgress } from "./dns-egress.ts";
import { grafanaLabels } from "./grafana.ts";
import { configAnnotation, labels, selectorLabels } from "./labels.ts";
import { restrictedContainer, restrictedPod, users } from "./pod-security.ts";
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
 * @param pods the name whose addresses are those of the pods
 * @param tokenFile has the token that `/metrics` requires
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
    const { namespace, token } = args;
    const child = { parent: this };
    const metadata = { name: app, namespace, labels: labels(app, "monitoring") };
    const matchLabels = selectorLabels(app);

    const policy = new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels },
          policyTypes: ["Ingress", "Egress"],
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
        },
      },
      child,
    );

    const account = new k8s.core.v1.ServiceAccount(
      name,
      { metadata, automountServiceAccountToken: false },
      child,
    );

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
          // A pod that is not ready is worth watching.
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
      { metadata, data: { "prometheus.yml": config, "rules.yaml": args.rules } },
      child,
    );

    const tokenVolume = token && {
      name: "token",
      secret: { secretName: token.name, defaultMode: 0o440 },
    };
    new k8s.apps.v1.Deployment(
      name,
      {
        metadata,
        spec: {
          replicas: 1,
          // Two pods can't write to the same data.
          strategy: { type: "Recreate" },
          selector: { matchLabels },
          template: {
            metadata: {
              labels: labels(app, "monitoring"),
              annotations: {
                [configAnnotation]: config.apply((text) => hash("sha256", text + args.rules)),
              },
            },
            spec: {
              ...restrictedPod(users.nobody),
              serviceAccountName: account.metadata.name,
              containers: [
                {
                  name: app,
                  image: args.image,
                  imagePullPolicy: "IfNotPresent",
                  args: [
                    `--config.file=${configFolder}/prometheus.yml`,
                    "--storage.tsdb.path=/prometheus",
                    "--storage.tsdb.retention.time=7d",
                    "--storage.tsdb.retention.size=768MB",
                  ],
                  ports: [{ name: "http", containerPort: port }],
                  resources: {
                    requests: { cpu: "50m", memory: "256Mi" },
                    limits: { cpu: "500m", memory: "512Mi" },
                  },
                  ...restrictedContainer,
                  readinessProbe: { ...probe, httpGet: { path: "/-/ready", port: "http" } },
                  livenessProbe: { ...probe, httpGet: { path: "/-/healthy", port: "http" } },
                  volumeMounts: [
                    { name: "config", mountPath: configFolder, readOnly: true },
                    { name: "data", mountPath: "/prometheus" },
                    ...(tokenVolume
                      ? [{ name: "token", mountPath: tokenFolder, readOnly: true }]
                      : []),
                  ],
                },
              ],
              volumes: [
                { name: "config", configMap: { name: files.metadata.name } },
                { name: "data", emptyDir: { sizeLimit: "1Gi" } },
                ...(tokenVolume ? [tokenVolume] : []),
              ],
            },
          },
        },
      },
      { parent: this, dependsOn: policy },
    );

    const service = new k8s.core.v1.Service(
      name,
      {
        metadata,
        spec: {
          type: "ClusterIP",
          selector: matchLabels,
          ports: [{ name: "http", port, targetPort: "http" }],
        },
      },
      child,
    );

    this.url = pulumi.interpolate`http://${service.metadata.name}.${namespace}.svc.cluster.local:${port}`;
    this.egress = { to: [{ podSelector: { matchLabels } }], ports: [{ protocol: "TCP", port }] };
    this.registerOutputs({ url: this.url });
  }
}
