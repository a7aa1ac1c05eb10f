import { basename } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { apiTokensFile } from "../config.ts";
import { type ApiPodArgs, apiPod, port } from "./api-pod.ts";
import { base64 } from "./base64.ts";
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
  /** The text of the service's token file. Without one, requests need no token. */
  readonly apiTokens?: pulumi.Output<string> | undefined;
  /** Whether Pulumi waits until the load balancer has an address. */
  readonly awaitLoadBalancer: boolean;
}

const app = "prediction-api";

/** The labels that select the pods of the API. */
export const apiSelectorLabels = selectorLabels(app);

// Any address, because cluster DNS is not always a pod. NodeLocal DNSCache listens on the node, at
// 169.254.20.10 or at the address of the DNS Service. Some clouds have a resolver outside the
// cluster.
const dns: k8s.types.input.networking.v1.NetworkPolicyEgressRule = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

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
          egress: [dns, args.redis.egress],
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
              annotations: { [secretAnnotation]: args.redis.secretUid },
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
          metrics: [
            {
              type: "Resource",
              // An amount, so that the target does not depend on the requests.
              resource: {
                name: "cpu",
                target: { type: "AverageValue", averageValue: args.targetCpu },
              },
            },
          ],
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
