import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { parseRedisUrl } from "./redis-url.ts";

const integer = (minimum: number, maximum: number, allowed = "an integer") => {
  const error = `${allowed} from ${minimum} to ${maximum}`;
  // Aborts, so that what compares two settings sees valid ones only.
  const fault = { error, abort: true };
  return z.int(fault).min(minimum, fault).max(maximum, fault);
};

const text = (pattern: RegExp, allowed: string) => z.string(allowed).regex(pattern, allowed);

const cpu = text(/^(\d+m|\d+(\.\d+)?)$/, "CPU cores such as 250m or 1");
const memory = text(/^[1-9]\d*(Mi|Gi)$/, "memory such as 256Mi or 1Gi");

const section = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, `a map of ${Object.keys(shape).join(", ")}`);

const requests = section({ cpu: cpu.default("250m"), memory: memory.default("256Mi") });
const limits = section({ cpu: cpu.default("1"), memory: memory.default("512Mi") });

const service = section({
  minReplicas: integer(1, 1000).default(2),
  maxReplicas: integer(1, 1000).default(4),
  resources: section({
    requests: requests.prefault({}),
    limits: limits.prefault({}),
  }).prefault({}),
}).refine(({ minReplicas, maxReplicas }) => minReplicas <= maxReplicas, {
  path: ["maxReplicas"],
  error: "minReplicas or more",
});

const cache = section({
  ttlSeconds: integer(1, 31_536_000, "seconds").default(3600),
  memoryBytes: integer(0, 1_000_000_000, "bytes").default(64 * 1024 * 1024),
  redisMaxMemory: text(/^[1-9]\d*Mi$/, "mebibytes such as 128Mi")
    .transform((mebibytes) => Number.parseInt(mebibytes, 10))
    .default(128),
});

const redisUrl = z.string().transform((url, { addIssue }) => {
  try {
    return parseRedisUrl(url);
  } catch (error) {
    addIssue(error instanceof Error ? error.message : String(error));
    return z.NEVER;
  }
});

const Settings = section({
  kubeContext: text(/^\S+$/, "the name of a kubeconfig context").default("minikube"),
  // By default the context, which Minikube names after the profile.
  minikubeProfile: text(/^[\w.-]+$/, "the name of a Minikube profile").optional(),
  namespace: text(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "a DNS label").default("w255"),
  service: service.prefault({}),
  cache: cache.prefault({}),
  // Where the image is pushed to; without one it is built in Minikube.
  registry: text(
    /^([a-z0-9-]+\.[a-z0-9.-]+|[a-z0-9.-]+:\d+|localhost)(\/[a-z0-9._-]+)*$/,
    "a registry's host and path such as registry.example.com/team",
  ).optional(),
  // A Redis that somebody else runs; without one, Redis is deployed.
  redisUrl: redisUrl.optional(),
  loadBalancer: section({ await: z.boolean("true or false").default(false) }).prefault({}),
});

/** The stack's settings, typed; `Pulumi.dev.yaml` and `Pulumi.cloud.example.yaml` show them. */
export type Settings = Readonly<z.output<typeof Settings>>;

/** The CLI hands over a map as JSON and everything else as it is. */
function decode(value: string): unknown {
  try {
    return value.startsWith("{") ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}

/** A value as the YAML has it; but for a secret, and for what a misspelt name may be hiding. */
function show(values: unknown, path: PropertyKey[], isKnown: boolean): string {
  if (!isKnown) return "an unknown name";
  if (path[0] === "redisUrl") return "a secret";
  const value = path.reduce<unknown>(
    (map, key) => z.record(z.string(), z.unknown()).safeParse(map).data?.[String(key)],
    values,
  );
  return JSON.stringify(value);
}

function describeFaults(project: string, values: unknown, issue: z.core.$ZodIssue): string[] {
  const isKnown = issue.code !== "unrecognized_keys";
  const paths = isKnown ? [issue.path] : issue.keys.map((key) => [...issue.path, key]);
  return paths.map((path) => {
    const found = show(values, path, isKnown);
    return `${project}:${path.join(".")}: found ${found}; allowed: ${issue.message}`;
  });
}

/**
 * Reads the stack's settings.
 *
 * @throws {pulumi.RunError} naming every wrong setting, what was found and what is allowed
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
  const faults = result.error.issues.flatMap((issue) => describeFaults(project, values, issue));
  throw new pulumi.RunError(faults.join("\n"));
}
