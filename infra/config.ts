import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { Tokens, TokensError } from "../service/src/access/tokens.ts";
import {
  type Config,
  InvalidSettingsError,
  readConfig,
  settingNames,
} from "../service/src/config.ts";
import { RedisUrlError } from "../service/src/redis-url.ts";
import { ModelPath, missingFile, OtherModels } from "./model-setting.ts";
import { parseManagedRedisUrl } from "./redis-url.ts";

const integer = (minimum: number, maximum: number) => {
  // Aborts, so that two settings are compared only if both are valid.
  const fault = { error: `an integer from ${minimum} to ${maximum}`, abort: true };
  return z.int(fault).min(minimum, fault).max(maximum, fault);
};

const text = (pattern: RegExp, error: string) =>
  z.string(error).regex(pattern, { error, abort: true });

const cpu = text(/^(?!0*(\.0*)?m?$)(\d+m|\d+(\.\d+)?)$/, "CPU cores such as 250m or 1");
const memory = text(/^[1-9]\d*(Mi|Gi)$/, "memory such as 256Mi or 1Gi");
const image = text(
  /^([\w.-]+(:\d+)?\/)?[\w./-]+(:[\w.-]+(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/,
  "an image with a tag or digest, such as redis:7.4 or redis@sha256:…",
);

const section = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, `a map of ${Object.keys(shape).join(", ")}`);

const cores = (quantity: string) =>
  quantity.endsWith("m") ? Number.parseInt(quantity, 10) / 1000 : Number(quantity);

/** The settings of the service that the stack sets itself, and what users may set instead. */
const reserved: Partial<Record<string, string>> = {
  API_TOKENS_FILE: "the stack's own setting apiTokens",
  HOST: "nothing, as pods listen on all their addresses",
  MODEL_CONTROL: "nothing, as a client would change the models of one pod only",
  MODEL_DEFAULT: "the stack's own setting service.model",
  MODEL_PATH: "the stack's own settings service.model and service.otherModels",
  PORT: "nothing, as the Service needs to know the port",
  REDIS_URL: "the stack's own setting redisUrl",
} satisfies Partial<Record<keyof Config, string>>;

/** Where the pods of the service find its tokens. */
export const apiTokensFile = "/etc/prediction-service/tokens";

const isReserved = (name: string) => reserved[name] !== undefined;

/**
 * The settings of the service, as environment variables. The service's own schema validates them.
 */
const env = z
  .partialRecord(
    z.enum(settingNames),
    z.union([z.string(), z.number().transform(String)], "a string or a number"),
    `a map of ${settingNames.filter((name) => !isReserved(name)).join(", ")}`,
  )
  .superRefine((variables, context) => {
    // Aborts, so that API_TOKENS_FOR is compared with apiTokens only if it is valid.
    const report = (name: string, message: string) =>
      context.addIssue({ code: "custom", path: [name], message, continue: false });
    for (const name of Object.keys(variables).filter(isReserved)) {
      report(name, `found a variable that the stack sets; allowed: ${reserved[name]}`);
    }
    try {
      const settable = Object.entries(variables).filter(([name]) => !isReserved(name));
      const { API_TOKENS_FOR } = readConfig({
        ...Object.fromEntries(settable),
        API_TOKENS_FILE: apiTokensFile,
      });
      if (API_TOKENS_FOR?.includes("health")) {
        const allowed = "no health, because the probes of Kubernetes send no token";
        report("API_TOKENS_FOR", `found "${API_TOKENS_FOR}"; allowed: ${allowed}`);
      }
    } catch (error) {
      if (!(error instanceof InvalidSettingsError)) throw error;
      for (const { name, message } of error.faults) report(name, message);
    }
  });

const service = section({
  model: ModelPath.superRefine((model, { addIssue }) => {
    const message = missingFile(model);
    if (message !== undefined) addIssue(message);
  }),
  // Served under /v2 only.
  otherModels: OtherModels.superRefine((models, { addIssue }) => {
    for (const [index, model] of models.entries()) {
      const message = missingFile(model);
      if (message !== undefined) addIssue({ code: "custom", path: [index], message });
    }
  }),
  minReplicas: integer(1, 1000).default(2),
  maxReplicas: integer(1, 1000).default(4),
  // The average CPU usage of a pod, above which the autoscaler adds pods.
  targetCpu: cpu.default("500m"),
  // The same for requests per second, which need a custom metrics API.
  targetRequestsPerSecond: integer(1, 1_000_000).optional(),
  resources: section({
    requests: section({ cpu: cpu.default("200m"), memory: memory.default("256Mi") }).prefault({}),
    limits: section({ cpu: cpu.default("1"), memory: memory.default("512Mi") }).prefault({}),
  }).prefault({}),
  env: env.prefault({}),
}).superRefine(
  ({ model, otherModels, minReplicas, maxReplicas, targetCpu, resources }, context) => {
    const report = (name: string, message: string) =>
      context.addIssue({ code: "custom", path: [name], message });
    const models = [model, ...otherModels];
    const repeated = models.find((each, index) => models.indexOf(each) !== index);
    if (repeated !== undefined) {
      report(
        "otherModels",
        `found "${repeated}" twice; allowed: models other than service.model, once each`,
      );
    }
    if (minReplicas > maxReplicas) {
      report("maxReplicas", `found ${maxReplicas}; allowed: minReplicas (${minReplicas}) or more`);
    }
    const limit = resources.limits.cpu;
    if (cores(targetCpu) >= cores(limit)) {
      report(
        "targetCpu",
        `found "${targetCpu}"; allowed: less than resources.limits.cpu (${limit}), which no pod exceeds`,
      );
    }
  },
);

const cache = section({
  redisMaxMemory: text(/^[1-9]\d*Mi$/, "mebibytes such as 128Mi")
    .transform((mebibytes) => Number.parseInt(mebibytes, 10))
    .default(128),
});

const images = section({
  // The base images of the service's own image. By default, those in its Dockerfile.
  build: image.optional(),
  runtime: image.optional(),
  redis: image.default("redis:7.4"),
  // The init containers that wait for Redis.
  busybox: image.default("busybox:1.37"),
  // Those that monitoring.deploy deploys.
  prometheus: image.default("prom/prometheus:v3.5.0"),
  grafana: image.default("grafana/grafana:12.1.0"),
});

const flag = z.boolean("true or false").default(false);

const monitoring = section({
  // Annotations that let an existing Prometheus find the pods.
  scrapeAnnotations: flag,
  // A ServiceMonitor and a PrometheusRule for an existing Prometheus Operator.
  prometheusOperator: flag,
  // A ConfigMap with the dashboard for the sidecar of an existing Grafana.
  dashboard: flag,
  // Labels that let the operator and the sidecar find these objects.
  labels: z
    .record(
      text(/^([a-z0-9.-]+\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/, "the name of a label"),
      text(/^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/, "the value of a label"),
      "a map of labels",
    )
    .prefault({}),
  // Prometheus and Grafana as part of the stack.
  deploy: flag,
});

const secretText = (allowed: string) =>
  z.string(`found a value that is not a string; allowed: ${allowed}`);

/** A secret string that a parser accepts. The parser's errors do not quote it. */
function parsedSecret<Value>(allowed: string, parse: (text: string) => Value) {
  return secretText(allowed).transform((text, { addIssue }) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof RedisUrlError || error instanceof TokensError)) throw error;
      addIssue(error.message);
      return z.NEVER;
    }
  });
}

const redisUrl = parsedSecret("a URL", parseManagedRedisUrl);

function requireTokens(text: string): string {
  new Tokens(text);
  return text;
}

const apiTokens = parsedSecret("tokens", requireTokens);

const metricsToken = secretText("a token of apiTokens");

const PlainSettings = section({
  kubeContext: text(/^\S+$/, "the name of a kubeconfig context").default("minikube"),
  // By default the context, which Minikube names after the profile.
  minikubeProfile: text(/^[\w.-]+$/, "the name of a Minikube profile").optional(),
  namespace: text(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "a DNS label").default("w255"),
  service: service.prefault({}),
  cache: cache.prefault({}),
  images: images.prefault({}),
  // Where the image is pushed to. Without a registry, it is built in Minikube.
  registry: text(
    /^([a-z0-9-]+\.[a-z0-9.-]+|[a-z0-9.-]+:\d+|localhost)(\/[a-z0-9._-]+)*$/,
    "a registry's host and path such as registry.example.com/team",
  ).optional(),
  // A Redis that runs outside the stack. Without one, the stack deploys Redis.
  redisUrl: redisUrl.optional(),
  // The text of the service's token file. Without one, requests need no token.
  apiTokens: apiTokens.optional(),
  // The token that Prometheus sends, if /metrics requires one.
  metricsToken: metricsToken.optional(),
  loadBalancer: section({ await: flag }).prefault({}),
  monitoring: monitoring.prefault({}),
})
  .superRefine(({ apiTokens, metricsToken, monitoring, service }, context) => {
    const { API_TOKENS_FOR } = service.env;
    if (API_TOKENS_FOR === undefined) return;
    const report = (allowed: string) =>
      context.addIssue({
        code: "custom",
        path: ["service", "env", "API_TOKENS_FOR"],
        message: `found "${API_TOKENS_FOR}"; allowed: ${allowed}`,
      });
    if (apiTokens === undefined) report("only together with apiTokens");
    const scrapes = monitoring.prometheusOperator || monitoring.deploy;
    if (API_TOKENS_FOR.includes("metrics") && scrapes && metricsToken === undefined) {
      report("metrics only together with metricsToken, which Prometheus sends");
    }
  })
  .superRefine(({ apiTokens, metricsToken }, context) => {
    if (metricsToken === undefined) return;
    if (apiTokens !== undefined && new Tokens(apiTokens).has(metricsToken)) return;
    const message = "found another token; allowed: a token of apiTokens";
    context.addIssue({ code: "custom", path: ["metricsToken"], message });
  });

const secret = (text: string | undefined) => (text === undefined ? text : pulumi.secret(text));

const Settings = PlainSettings.transform(({ apiTokens, metricsToken, ...others }) => {
  return { ...others, apiTokens: secret(apiTokens), metricsToken: secret(metricsToken) };
});

/** The stack's settings, typed. The table in docs/operations.md describes them. */
export type Settings = Readonly<z.output<typeof Settings>>;

/** The settings of the service that the stack passes on to its pods. */
export type ServiceEnvironment = Settings["service"]["env"];

/** Decodes a value as the CLI passes it: a map as JSON, and everything else as text. */
function decode(value: string): unknown {
  try {
    return value.startsWith("{") ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}

/** Returns the value at a path, as JSON. */
function show(values: unknown, path: readonly PropertyKey[]): string | undefined {
  const Members = z.union([
    z.record(z.string(), z.unknown()),
    z.array(z.unknown()).transform((items) => Object.fromEntries(items.entries())),
  ]);
  const value = path.reduce<unknown>(
    (map, key) => Members.safeParse(map).data?.[String(key)],
    values,
  );
  return JSON.stringify(value);
}

/** Describes what is wrong: one line per setting. Values that may be secret are not shown. */
function describeIssue(project: string, values: unknown, issue: z.core.$ZodIssue): string[] {
  const at = (...path: PropertyKey[]) => `${project}:${[...issue.path, ...path].join(".")}`;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `${at(key)}: found an unknown name; allowed: ${issue.message}`);
  }
  // These messages already say what was found.
  if (
    issue.code === "custom" ||
    ["redisUrl", "apiTokens", "metricsToken"].includes(String(issue.path[0]))
  ) {
    return [`${at()}: ${issue.message}`];
  }
  return [`${at()}: found ${show(values, issue.path)}; allowed: ${issue.message}`];
}

/**
 * Reads the stack's settings.
 *
 * @throws {pulumi.RunError} naming every invalid setting, what was found and what is allowed
 */
export function readSettings(): Settings {
  const project = pulumi.getProject();
  const values = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key]) => key.startsWith(`${project}:`))
      .map(([key, value]) => [key.slice(project.length + 1), decode(value)]),
  );
  const result = Settings.safeParse(values);
  if (result.success) return result.data;
  const faults = result.error.issues.flatMap((issue) => describeIssue(project, values, issue));
  throw new pulumi.RunError(faults.join("\n"));
}
