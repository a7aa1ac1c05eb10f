import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels } from "./labels.ts";

/** What a {@link GuardedNamespace} needs. */
export interface GuardedNamespaceArgs {
  /** The namespace's name. */
  readonly name: string;
  /** Identifies the node that the cluster runs on. On another one, everything is created anew. */
  readonly nodeId?: pulumi.Input<string> | undefined;
}

/** A namespace that admits only `restricted` pods, and whose pods talk to nobody unless allowed to. */
export class GuardedNamespace extends pulumi.ComponentResource {
  /** The name, known once pods in it are guarded. */
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
        // Its name stays the same, so the new one can't be there beside the old one.
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
