import { z } from "zod";

const SecurityContext = z.object({
  allowPrivilegeEscalation: z.boolean().optional(),
  capabilities: z.object({ drop: z.array(z.string()).default([]) }).optional(),
  readOnlyRootFilesystem: z.boolean().optional(),
  runAsNonRoot: z.boolean().optional(),
  runAsUser: z.number().optional(),
  seccompProfile: z.object({ type: z.string() }).optional(),
});

const Amounts = z.object({ cpu: z.string().optional(), memory: z.string().optional() });

const Container = z.object({
  name: z.string(),
  image: z.string(),
  resources: z
    .object({ requests: Amounts.prefault({}), limits: Amounts.prefault({}) })
    .prefault({}),
  readinessProbe: z.unknown().optional(),
  livenessProbe: z.unknown().optional(),
  securityContext: SecurityContext.prefault({}),
});

const PodSpec = z.object({
  automountServiceAccountToken: z.boolean().optional(),
  initContainers: z.array(Container).default([]),
  containers: z.array(Container),
  securityContext: SecurityContext.prefault({}),
});

/** The properties of a container that the rules check. */
export type Container = z.infer<typeof Container>;

/** The properties of a pod that the rules check. */
export type PodSpec = z.infer<typeof PodSpec>;

const Pod = z.object({ spec: PodSpec });
const Workload = z.object({ spec: z.object({ template: Pod }) });
const CronJob = z.object({ spec: z.object({ jobTemplate: Workload }) });

/**
 * Returns the pod of a resource: the resource itself, or its template; undefined if it has none.
 */
export function podSpecOf(type: string, props: unknown): PodSpec | undefined {
  switch (type.split(":").at(-1)) {
    case "Pod":
      return Pod.parse(props).spec;
    case "CronJob":
      return CronJob.parse(props).spec.jobTemplate.spec.template.spec;
    case "DaemonSet":
    case "Deployment":
    case "Job":
    case "ReplicaSet":
    case "StatefulSet":
      return Workload.parse(props).spec.template.spec;
    default:
      return undefined;
  }
}

const BuiltImage = z.object({
  skipPush: z.boolean().default(false),
  build: z.object({ args: z.record(z.string(), z.string()).default({}) }).prefault({}),
});

/** Returns how an image is built; undefined for a resource of another type. */
export function builtImageOf(type: string, props: unknown) {
  return type === "docker:index/image:Image" ? BuiltImage.parse(props) : undefined;
}

const ServiceProps = z.object({
  spec: z.object({
    type: z.string().optional(),
    ports: z.array(z.object({ nodePort: z.number().optional() })).default([]),
  }),
});

/** Returns the type and ports of a Service; undefined for a resource of another type. */
export function serviceSpecOf(type: string, props: unknown) {
  return type === "kubernetes:core/v1:Service" ? ServiceProps.parse(props).spec : undefined;
}

const ServiceAccountProps = z.object({ automountServiceAccountToken: z.boolean().optional() });

/** Returns the token setting of a ServiceAccount; undefined for a resource of another type. */
export function serviceAccountOf(type: string, props: unknown) {
  return type === "kubernetes:core/v1:ServiceAccount"
    ? ServiceAccountProps.parse(props)
    : undefined;
}
