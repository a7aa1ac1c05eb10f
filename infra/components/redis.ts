import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

type EnvVar = k8s.types.input.core.v1.EnvVar;

/** A Redis that pods can use, wherever it runs. */
export interface Redis {
  /** Who runs it: this stack or somebody else. */
  readonly kind: "in-cluster" | "managed";
  /** Its full name, or its IPv4 address. */
  readonly host: pulumi.Input<string>;
  readonly port: number;
  readonly tls: boolean;
  /** Identifies the Secret with the credentials; another one after any change of them. */
  readonly secretUid: pulumi.Output<string>;
  /** `REDIS_USERNAME` and `REDIS_PASSWORD`, for whoever speaks to it without a URL. */
  readonly credentials: EnvVar[];
  /** `REDIS_URL` with all that it needs. */
  readonly urlEnvironment: EnvVar[];
  /** The way from a pod to it. */
  readonly egress: k8s.types.input.networking.v1.NetworkPolicyEgressRule;
}

/** An environment variable whose value is a key of a Secret. */
export const fromSecret = (variable: string, secret: k8s.core.v1.Secret, key: string): EnvVar => ({
  name: variable,
  valueFrom: { secretKeyRef: { name: secret.metadata.name, key } },
});
