import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels } from "./labels.ts";

/** The arguments of a {@link GuardedNamespace}. */
export interface GuardedNamespaceArgs {
  /** The name of the namespace. */
  readonly name: string;
  /** Identifies the node of the cluster. If it changes, the namespace is replaced. */
  readonly nodeId?: pulumi.Input<string> | undefined;
}

/**
 * A namespace that only admits `restricted` pods. Pods have no network access unless a policy
 * allows it.
 */
export class GuardedNamespace extends pulumi.ComponentResource {
  /** The name of the namespace, known once its NetworkPolicy exists. */
  readonly name: pulumi.Output<string>;

  constructor(name: string, args: GuardedNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:GuardedNamespace", name, {}, opts);

    const namespace = new k8s.core.v1.Namespace(
      name,
      {
        metadata: {
          name: args.name,
          labels: {
            ...labels(args.name, "namespace"),
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
          },
        },
      },
      {
        parent: this,
        // Two namespaces can't have the same name.
        deleteBeforeReplace: true,
        ...(args.nodeId === undefined ? {} : { replacementTrigger: args.nodeId }),
      },
    );

    const denyAll = new k8s.networking.v1.NetworkPolicy(
      `${name}-deny-all`,
      {
        metadata: {
          name: "deny-all",
          namespace: namespace.metadata.name,
          labels: labels("deny-all", "network-policy"),
        },
        spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
      },
      { parent: this },
    );

    this.name = denyAll.metadata.namespace;
    this.registerOutputs({ name: this.name });
  }
}
