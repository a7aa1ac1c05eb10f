import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random";
import { base64 } from "./base64.ts";
import { labels, secretAnnotation, selectorLabels } from "./labels.ts";
import { fromSecret, type Redis } from "./redis.ts";
import { port, type RedisPodArgs, redisPod } from "./redis-pod.ts";

/** The arguments of a {@link RedisCache}. */
export interface RedisCacheArgs extends RedisPodArgs {
  /** The namespace to deploy to. */
  readonly namespace: pulumi.Input<string>;
  /** The labels of the pods that may connect. */
  readonly clientLabels: Record<string, string>;
}

const app = "redis";

/** A Redis in the cluster that stores nothing on disk. */
export class RedisCache extends pulumi.ComponentResource implements Redis {
  readonly kind = "in-cluster";
  readonly host: pulumi.Output<string>;
  readonly port = port;
  readonly tls = false;
  readonly secretUid: Redis["secretUid"];
  readonly credentials: Redis["credentials"];
  readonly urlEnvironment: Redis["urlEnvironment"];
  readonly egress: Redis["egress"];

  constructor(name: string, args: RedisCacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("prediction-service:kubernetes:RedisCache", name, {}, opts);
    const { namespace } = args;
    const metadata = { name: app, namespace, labels: labels(app, "cache") };

    // 190 bits. Without special characters, it needs no escapes in a URL.
    const { result } = new RandomPassword(name, { length: 32, special: false }, { parent: this });
    const secret = new k8s.core.v1.Secret(
      name,
      {
        metadata,
        immutable: true,
        // Not `stringData`: the API server accepts it but never returns it.
        data: {
          password: base64(result),
          "redis.conf": base64(pulumi.interpolate`requirepass ${result}\n`),
        },
      },
      // An existing Secret keeps its password, which may be older than the RandomPassword.
      { parent: this, ignoreChanges: ["data"] },
    );
    this.secretUid = secret.metadata.uid;
    const password = fromSecret("REDIS_PASSWORD", secret, "password");

    const policy = new k8s.networking.v1.NetworkPolicy(
      name,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: selectorLabels(app) },
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              from: [{ podSelector: { matchLabels: args.clientLabels } }],
              ports: [{ protocol: "TCP", port }],
            },
          ],
        },
      },
      { parent: this },
    );

    const account = new k8s.core.v1.ServiceAccount(
      name,
      { metadata, automountServiceAccountToken: false },
      { parent: this },
    );

    new k8s.apps.v1.Deployment(
      name,
      {
        metadata,
        spec: {
          replicas: 1,
          // With two pods during a rollout, clients would use two different caches.
          strategy: { type: "Recreate" },
          selector: { matchLabels: selectorLabels(app) },
          template: {
            metadata: {
              labels: labels(app, "cache"),
              annotations: { [secretAnnotation]: this.secretUid },
            },
            spec: redisPod(app, account.metadata.name, secret, args),
          },
        },
      },
      { parent: this, dependsOn: policy },
    );

    const service = new k8s.core.v1.Service(
      name,
      {
        metadata: { ...metadata, name: "redis-service" },
        spec: {
          type: "ClusterIP",
          selector: selectorLabels(app),
          ports: [{ name: "redis", port, targetPort: "redis" }],
        },
      },
      { parent: this },
    );

    this.host = pulumi.interpolate`${service.metadata.name}.${namespace}.svc.cluster.local`;
    this.credentials = [{ name: "REDIS_USERNAME", value: "default" }, password];
    const url = pulumi.interpolate`redis://:$(REDIS_PASSWORD)@${this.host}:${port}`;
    this.urlEnvironment = [password, { name: "REDIS_URL", value: url }];
    this.egress = {
      to: [{ podSelector: { matchLabels: selectorLabels(app) } }],
      ports: [{ protocol: "TCP", port }],
    };
    this.registerOutputs({ kind: this.kind, host: this.host, port, tls: this.tls });
  }
}
