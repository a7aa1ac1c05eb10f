import { basename } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apiTokensFile } from "../config.ts";
import { type ApiPodArgs, apiPod, metricsPath, port } from "./api-pod.ts";
import { base64 } from "./base64.ts";
import { dnsEgress } from "./dns-egress.ts";
import { labels, secretAnnotation, selectorLabels } from "./labels.ts";

/** The arguments of a {@link PredictionApi}. */
export interface PredictionApiArgs extends ApiPodArgs {
  /** The namespace to deploy to. */
  readonly namespace: pulumi.Input<string>;
  /** The number of pods without load. */
  readonly minReplicas: number;
  /** The largest number of pods under load. */
  readonly maxReplicas: number;
  /** The average CPU usage of a pod, above which the autoscaler adds pods. */
  readonly targetCpu: string;
  /**
   * The average number of requests per second and pod, above which the autoscaler adds pods. Needs a
   * custom metrics API. By default, only the CPU usage counts.
   */
  readonly targetRequestsPerSecond?: number | undefined;
  /** Whether the pods have annotations that tell Prometheus to scrape them. */
  readonly scrapeAnnotations: boolean;
  /** The text of the service's token file. Without one, requests need no token. */
  readonly apiTokens?: pulumi.Output<string> | undefined;
  /** Whether Pulumi waits until the load balancer has an address. */
  readonly awaitLoadBalancer: boolean;
}

const app = "prediction-api";

/** The labels that select the pods of the API. */
export const apiSelectorLabels = selectorLabels(app);

const scrapeAnnotations = {
  "prometheus.io/scrape": "true",
  "prometheus.io/port": String(port),
  "prometheus.io/path": metricsPath,
};

/** If there are several metrics, the autoscaler follows the one that needs the most pods. */
function scalingMetrics({
  targetCpu,
  targetRequestsPerSecond,
}: PredictionApiArgs): k8s.types.input.autoscaling.v2.MetricSpec[] {
  // An absolute amount, so that the target does not depend on the requested CPU.
  const target = (averageValue: string) => ({ type: "AverageValue", averageValue });
  const cpu = { type: "Resource", resource: { name: "cpu", target: target(targetCpu) } };
  if (targetRequestsPerSecond === undefined) return [cpu];
  const metric = { name: "http_requests_per_second" };
  const pods = { metric, target: target(String(targetRequestsPerSecond)) };
  return [cpu, { type: "Pods", pods }];
}

/** The prediction API: its Deployment, autoscaler, load balancer and NetworkPolicy. */
export class PredictionApi extends pulumi.ComponentResource {
  readonly serviceName: pulumi.Output<string>;
  readonly servicePort = port;

  constructor(name: string, args: PredictionApiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:PredictionApi", name, {}, opts);
    const { namespace } = args;
    const child = { parent: this };
    const metadata = { name: app, namespace, labels: labels(app, "api") };
    const selector = { matchLabels: apiSelectorLabels };

    const policy = new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: selector,
          policyTypes: ["Ingress", "Egress"],
          ingress: [{ ports: [{ protocol: "TCP", port }] }],
          egress: [dnsEgress, args.redis.egress],
        },
      },
      child,
    );

    const account = new k8s.core.v1.ServiceAccount(
      name,
      { metadata, automountServiceAccountToken: false },
      child,
    );

    const tokens =
      args.apiTokens &&
      new k8s.core.v1.Secret(
        `${name}-tokens`,
        {
          metadata: { ...metadata, name: "api-tokens" },
          data: { [basename(apiTokensFile)]: base64(args.apiTokens) },
        },
        child,
      );

    const deployment = new k8s.apps.v1.Deployment(
      name,
      {
        metadata,
        // No `replicas`: the autoscaler sets them.
        spec: {
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
          selector,
          template: {
            metadata: {
              labels: labels(app, "api"),
              annotations: {
                [secretAnnotation]: args.redis.secretUid,
                ...(args.scrapeAnnotations ? scrapeAnnotations : {}),
              },
            },
            spec: apiPod(app, account.metadata.name, args, tokens),
          },
        },
      },
      { parent: this, dependsOn: policy },
    );

    new k8s.autoscaling.v2.HorizontalPodAutoscaler(
      name,
      {
        metadata,
        spec: {
          scaleTargetRef: {
            apiVersion: "apps/v1",
            kind: "Deployment",
            name: deployment.metadata.name,
          },
          minReplicas: args.minReplicas,
          maxReplicas: args.maxReplicas,
          metrics: scalingMetrics(args),
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 0,
              policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
            },
            scaleDown: {
              stabilizationWindowSeconds: 300,
              policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
            },
          },
        },
      },
      child,
    );

    new k8s.policy.v1.PodDisruptionBudget(
      name,
      // Not `minAvailable`: with one replica, it would block every drain of the node.
      { metadata, spec: { maxUnavailable: 1, selector } },
      child,
    );

    const service = new k8s.core.v1.Service(
      name,
      {
        metadata: {
          ...metadata,
          name: "prediction-service",
          annotations: args.awaitLoadBalancer ? {} : { "pulumi.com/skipAwait": "true" },
        },
        spec: {
          type: "LoadBalancer",
          selector: apiSelectorLabels,
          ports: [{ name: "http", port, targetPort: "http" }],
        },
      },
      child,
    );

    this.serviceName = service.metadata.name;
    this.registerOutputs({ serviceName: this.serviceName, servicePort: this.servicePort });
  }
}
