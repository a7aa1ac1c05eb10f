import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

type EnvVar = k8s.types.input.core.v1.EnvVar;

/** A Redis that pods can use, inside or outside the cluster. */
export interface Redis {
  /** Whether the stack deploys Redis. */
  readonly kind: "in-cluster" | "managed";
  /** A full name, or an address without brackets. */
  readonly host: pulumi.Input<string>;
  readonly port: number;
  readonly tls: boolean;
  /** Identifies the Secret with the credentials. Changes whenever they change. */
  readonly secretUid: pulumi.Output<string>;
  /** The variables `REDIS_USERNAME` and `REDIS_PASSWORD`, for clients that take no URL. */
  readonly credentials: EnvVar[];
  /** The variable `REDIS_URL`, after those that its value refers to. */
  readonly urlEnvironment: EnvVar[];
  /** The rule that lets a pod connect to Redis. */
  readonly egress: k8s.types.input.networking.v1.NetworkPolicyEgressRule;
}

/** Creates an environment variable whose value is a key of a Secret. */
export const fromSecret = (variable: string, secret: k8s.core.v1.Secret, key: string): EnvVar => ({
  name: variable,
  valueFrom: { secretKeyRef: { name: secret.metadata.name, key } },
});
