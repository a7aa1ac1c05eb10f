import { readFileSync } from "node:fs";
import { type RequestOptions, request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { parse } from "yaml";
import { z } from "zod";

const Kubeconfig = z.object({
  clusters: z.tuple([z.object({ cluster: z.object({ server: z.url() }) })]),
  users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]),
});

const ResourceList = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

const Metadata = z.looseObject({ name: z.string(), namespace: z.string().optional() });

const deletionTimeoutMs = 120_000;

/** A Kubernetes object of any kind. */
export const KubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: Metadata,
});

const Deployment = z.object({
  spec: z.object({ template: z.looseObject({ metadata: z.looseObject({}) }) }),
});

export type KubernetesObject = z.infer<typeof KubernetesObject>;

/** A response of the API server. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** The `Warning` headers, for example about deprecated fields or pods that will be refused. */
  readonly warnings: string[];
}

/** The server refused a request or accepted it with a warning. */
class KubernetesRefusal extends Error {}

/** A client for a Kubernetes API server that sends objects unchanged, including unknown fields. */
export class KubernetesApi {
  readonly #server: string;
  readonly #token: string;
  readonly #hasControllers: boolean;
  readonly #lists = new Map<string, Promise<z.infer<typeof ResourceList>>>();

  /**
   * @param kubeconfig the path of a file with one cluster and one user, who has a token
   * @param hasControllers whether the cluster has controllers, which finalize namespaces
   */
  constructor(kubeconfig: string, hasControllers: boolean) {
    this.#hasControllers = hasControllers;
    const { clusters, users } = Kubeconfig.parse(parse(readFileSync(kubeconfig, "utf8")));
    this.#server = clusters[0].cluster.server;
    this.#token = users[0].user.token;
  }

  /** Sends a request and resolves with the response, whatever its status. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    contentType = "application/json",
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const text = body === undefined ? "" : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      // The certificate of the test cluster is self-signed.
      rejectUnauthorized: false,
      headers: {
        authorization: `Bearer ${this.#token}`,
        "content-type": contentType,
        "content-length": Buffer.byteLength(text),
      },
    };
    const outgoing = request(new URL(path, this.#server), options, async (incoming) => {
      const answer = (await incoming.setEncoding("utf8").toArray()).join("");
      const { statusCode = 0, headersDistinct } = incoming;
      const { warning = [] } = headersDistinct;
      try {
        resolve({ status: statusCode, body: JSON.parse(answer), warnings: warning });
      } catch {
        reject(new KubernetesRefusal(`${method} ${path}: ${statusCode} ${answer}`));
      }
    });
    outgoing.on("error", reject).end(text);
    return promise;
  }

  async #accepted(method: string, path: string, body?: unknown, contentType?: string) {
    const answer = await this.request(method, path, body, contentType);
    if (answer.status < 300 && answer.warnings.length === 0) return answer.body;
    const { message = "" } = answer.body;
    throw new KubernetesRefusal(
      `${method} ${path}: ${[answer.status, message, ...answer.warnings].join(" ")}`,
    );
  }

  /** Returns the path of an object. */
  async path(object: KubernetesObject): Promise<string> {
    const { apiVersion, kind, metadata } = object;
    const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const list = this.#lists.get(group) ?? this.#accepted("GET", group).then(ResourceList.parse);
    this.#lists.set(group, list);
    const { resources } = await list;
    const found = resources.find((r) => r.kind === kind && !r.name.includes("/"));
    if (found === undefined) throw new KubernetesRefusal(`${apiVersion} has no ${kind}`);
    const where = found.namespaced ? `/namespaces/${metadata.namespace}` : "";
    return `${group}${where}/${found.name}/${metadata.name}`;
  }

  /** Applies an object on the server, with strict validation. A warning counts as a refusal. */
  async apply(object: KubernetesObject): Promise<Record<string, unknown>> {
    const query = "?fieldManager=pulumi&force=true&fieldValidation=Strict";
    const path = `${await this.path(object)}${query}`;
    return this.#accepted("PATCH", path, object, "application/apply-patch+yaml");
  }

  /** Checks that the server admits the pods of a Deployment, which it accepts in any case. */
  async admit({ metadata: { namespace }, ...deployment }: KubernetesObject): Promise<void> {
    const { template } = Deployment.parse(deployment).spec;
    const metadata = { ...template.metadata, name: "admitted" };
    const pod = { ...template, apiVersion: "v1", kind: "Pod", metadata };
    const query = "?dryRun=All&fieldValidation=Strict";
    await this.#accepted("POST", `/api/v1/namespaces/${namespace}/pods${query}`, pod);
  }

  /** Returns the current state of an object. Undefined if it does not exist. */
  async get(object: KubernetesObject): Promise<Record<string, unknown> | undefined> {
    const { status, body } = await this.request("GET", await this.path(object));
    return status === 404 ? undefined : body;
  }

  /** Deletes an object and waits until it is gone. */
  async delete(object: KubernetesObject): Promise<void> {
    const path = await this.path(object);
    await this.#accepted("DELETE", path);
    const deadline = Date.now() + deletionTimeoutMs;
    for (;;) {
      const found = await this.get(object);
      if (found === undefined) return;
      if (Date.now() > deadline)
        throw new KubernetesRefusal(`${path} still exists after ${deletionTimeoutMs / 1000} s`);
      if (object.kind === "Namespace" && !this.#hasControllers) await this.#finalize(path, found);
      await delay(200);
    }
  }

  /** Finalizes a deleted namespace, which is otherwise the work of a controller. */
  async #finalize(path: string, namespace: object): Promise<void> {
    await this.#accepted("PUT", `${path}/finalize`, { ...namespace, spec: { finalizers: [] } });
  }
}
