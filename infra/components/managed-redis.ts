import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ManagedRedisAddress } from "../redis-url.ts";
import { base64 } from "./base64.ts";
import { labels } from "./labels.ts";
import { fromSecret, type Redis } from "./redis.ts";

/** The arguments of a {@link ManagedRedis}. */
export interface ManagedRedisArgs {
  /** The namespace of the pods that use Redis. */
  readonly namespace: pulumi.Input<string>;
  /** The address and the credentials of Redis. */
  readonly address: ManagedRedisAddress;
}

// Not the name of the Redis that the stack deploys, because a stack may switch between the two.
const app = "managed-redis";

/** A Redis that runs outside the stack. Creates a Secret with its credentials. */
export class ManagedRedis extends pulumi.ComponentResource implements Redis {
  readonly kind = "managed";
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly secretUid: Redis["secretUid"];
  readonly credentials: Redis["credentials"];
  readonly urlEnvironment: Redis["urlEnvironment"];
  readonly egress: Redis["egress"];

  constructor(name: string, args: ManagedRedisArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:ManagedRedis", name, {}, opts);
    const { url, host, port, tls, username, password } = args.address;

    const secret = new k8s.core.v1.Secret(
      name,
      {
        metadata: { name: app, namespace: args.namespace, labels: labels(app, "cache") },
        immutable: true,
        data: { url: base64(url), username: base64(username), password: base64(password) },
      },
      { parent: this },
    );

    this.host = host;
    this.port = port;
    this.tls = tls;
    this.secretUid = secret.metadata.uid;
    this.credentials = [
      fromSecret("REDIS_USERNAME", secret, "username"),
      fromSecret("REDIS_PASSWORD", secret, "password"),
    ];
    this.urlEnvironment = [fromSecret("REDIS_URL", secret, "url")];
    // Any address, because a policy can't name a host and the addresses of a managed Redis change.
    this.egress = { ports: [{ protocol: "TCP", port }] };
    this.registerOutputs({ kind: this.kind, host, port, tls });
  }
}
