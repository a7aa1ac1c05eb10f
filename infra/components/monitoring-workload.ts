import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { configAnnotation, labels, selectorLabels } from "./labels.ts";
import { restrictedContainer, restrictedPod } from "./pod-security.ts";

type NetworkPolicySpec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** The arguments of a {@link MonitoringWorkload}. */
export interface MonitoringWorkloadArgs {
  /** The namespace to deploy to. */
  readonly namespace: pulumi.Input<string>;
  readonly image: string;
  /** The id of the user that the image runs as. */
  readonly user: number;
  /** The port that the container and the Service listen on. */
  readonly port: number;
  /** The allowed connections to the pod. All others are refused. */
  readonly ingress: NonNullable<NetworkPolicySpec["ingress"]>;
  readonly egress: NonNullable<NetworkPolicySpec["egress"]>;
  /** If it changes, the pod restarts. */
  readonly configDigest: pulumi.Input<string>;
  /** The rest of the container. */
  readonly container: Omit<k8s.types.input.core.v1.Container, "name" | "image" | "ports">;
  readonly volumes: k8s.types.input.core.v1.Volume[];
}

/** A program in a single restricted pod, with a NetworkPolicy and a Service of the same name. */
export class MonitoringWorkload extends pulumi.ComponentResource {
  /** The URL of the Service inside the cluster. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: MonitoringWorkloadArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:MonitoringWorkload", name, {}, opts);
    const { namespace, port } = args;
    const child = { parent: this };
    const metadata = { name, namespace, labels: labels(name, "monitoring") };
    const matchLabels = selectorLabels(name);

    const policy = new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels },
          policyTypes: ["Ingress", "Egress"],
          ingress: args.ingress,
          egress: args.egress,
        },
      },
      child,
    );

    const account = new k8s.core.v1.ServiceAccount(
      name,
      { metadata, automountServiceAccountToken: false },
      child,
    );

    const container = {
      name,
      image: args.image,
      imagePullPolicy: "IfNotPresent",
      ports: [{ name: "http", containerPort: port }],
      ...restrictedContainer,
      ...args.container,
    };
    const annotations = { [configAnnotation]: args.configDigest };
    new k8s.apps.v1.Deployment(
      name,
      {
        metadata,
        spec: {
          replicas: 1,
          // Two pods would have different data.
          strategy: { type: "Recreate" },
          selector: { matchLabels },
          template: {
            metadata: { labels: metadata.labels, annotations },
            spec: {
              ...restrictedPod(args.user),
              serviceAccountName: account.metadata.name,
              containers: [container],
              volumes: args.volumes,
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

    const host = pulumi.interpolate`${service.metadata.name}.${namespace}.svc.cluster.local`;
    this.url = pulumi.interpolate`http://${host}:${port}`;
    this.registerOutputs({ url: this.url });
  }
}
