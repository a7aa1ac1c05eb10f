import type {
  ResourceValidation,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
import {
  builtImageOf,
  type Container,
  type PodSpec,
  podSpecOf,
  serviceAccountOf,
  serviceSpecOf,
} from "./workloads.ts";

type Report = (violation: string) => void;

/** A rule for single resources. */
type ResourceRule = ResourceValidationPolicy & { readonly validateResource: ResourceValidation };

/** Creates a rule for pods and for the pod templates of workloads. */
function podRule(
  name: string,
  description: string,
  check: (pod: PodSpec, report: Report) => void,
): ResourceRule {
  return {
    name,
    description,
    validateResource({ type, props, name: resource }, reportViolation) {
      const pod = podSpecOf(type, props);
      if (pod) check(pod, (violation) => reportViolation(`${resource}: ${violation}`));
    },
  };
}

const allContainers = ({ initContainers, containers }: PodSpec) => [
  ...initContainers,
  ...containers,
];

/** Creates a rule for containers and init containers. */
const containerRule = (
  name: string,
  description: string,
  check: (container: Container, report: Report) => void,
) =>
  podRule(name, description, (pod, report) => {
    for (const container of allContainers(pod)) {
      check(container, (violation) => report(`container ${container.name}: ${violation}`));
    }
  });

/** A digest, a version of at least major.minor, or the content tag of the service image. */
const pinned = /(@sha256:[0-9a-f]{64}|:v?\d+\.\d+[\w.-]*|:[0-9a-f]{16})$/;

const pinnedImages = containerRule(
  "pinned-images",
  "Pin images by version, content or digest, so that a restart runs what was deployed.",
  ({ image }, report) => {
    if (!pinned.test(image)) report(`pin ${image} by digest, or at least to major.minor`);
  },
);

/** The build arguments for base images. */
const baseImages = ["BUILD_IMAGE", "RUNTIME_IMAGE"];

const pinnedBaseImages: ResourceRule = {
  name: "pinned-base-images",
  description:
    "Pin base images, so that an update changes the stack and rolls out. Only an image that stays in" +
    " Minikube may use the base images in the Dockerfile.",
  validateResource({ type, props, name }, reportViolation) {
    const image = builtImageOf(type, props);
    if (!image) return;
    for (const argument of baseImages) {
      const base = image.build.args[argument];
      if (base === undefined) {
        if (!image.skipPush) reportViolation(`${name}: set the build argument ${argument}`);
      } else if (!pinned.test(base)) {
        reportViolation(`${name}: pin ${base} by digest, or at least to major.minor`);
      }
    }
  },
};

const resourceLimits = containerRule(
  "resource-limits",
  "Set requests and limits of CPU and memory, so that no container can starve another.",
  ({ resources }, report) => {
    for (const kind of ["requests", "limits"] as const) {
      for (const resource of ["cpu", "memory"] as const) {
        if (!resources[kind][resource]) report(`set resources.${kind}.${resource}`);
      }
    }
  },
);

const probes = podRule(
  "probes",
  "Give each container a readiness probe and a liveness probe.",
  ({ containers }, report) => {
    for (const { name, ...container } of containers) {
      for (const probe of ["readinessProbe", "livenessProbe"] as const) {
        if (!container[probe]) report(`container ${name}: add a ${probe}`);
      }
    }
  },
);

const restrictedPods = podRule(
  "restricted-pods",
  "Run pods as a user other than root, with the seccomp profile of the runtime.",
  ({ securityContext }, report) => {
    if (!securityContext.runAsNonRoot) report("set securityContext.runAsNonRoot");
    if (!securityContext.runAsUser) report("set securityContext.runAsUser to a user other than 0");
    if (securityContext.seccompProfile?.type !== "RuntimeDefault") {
      report("set securityContext.seccompProfile.type to RuntimeDefault");
    }
  },
);

const restrictedContainers = containerRule(
  "restricted-containers",
  "Run containers without privilege escalation, capabilities or a writable root file system.",
  ({ securityContext }, report) => {
    if (securityContext.allowPrivilegeEscalation !== false) {
      report("set securityContext.allowPrivilegeEscalation to false");
    }
    if (!securityContext.readOnlyRootFilesystem) {
      report("set securityContext.readOnlyRootFilesystem");
    }
    if (securityContext.runAsUser === 0) report("don't set securityContext.runAsUser to 0");
    if (!securityContext.capabilities?.drop.includes("ALL")) {
      report("set securityContext.capabilities.drop to ALL");
    }
  },
);

const noToken: ResourceRule = {
  name: "no-service-account-token",
  description: "Give no pod a token for the Kubernetes API: no pod uses that API.",
  validateResource({ type, props, name }, reportViolation) {
    const holder = podSpecOf(type, props) ?? serviceAccountOf(type, props);
    if (holder && holder.automountServiceAccountToken !== false) {
      reportViolation(`${name}: set automountServiceAccountToken to false`);
    }
  },
};

const noNodePort: ResourceRule = {
  name: "no-node-port",
  description: "Open no ports on the nodes, which would bypass the load balancer.",
  validateResource({ type, props, name }, reportViolation) {
    const service = serviceSpecOf(type, props);
    if (service?.type === "NodePort" || service?.ports.some(({ nodePort }) => nodePort)) {
      reportViolation(`${name}: use ClusterIP, or the existing LoadBalancer`);
    }
  },
};

const oneLoadBalancer: StackValidationPolicy = {
  name: "one-load-balancer",
  description: "Have one LoadBalancer, so that there is one way into the cluster.",
  validateStack({ resources }, reportViolation) {
    const names = resources
      .filter(({ type, props }) => serviceSpecOf(type, props)?.type === "LoadBalancer")
      .map(({ name }) => name);
    if (names.length > 1) reportViolation(`${names.join(", ")}: keep only one LoadBalancer`);
  },
};

/** The rules for the resources of the stack. */
export const rules: (ResourceRule | StackValidationPolicy)[] = [
  pinnedImages,
  pinnedBaseImages,
  resourceLimits,
  probes,
  restrictedPods,
  restrictedContainers,
  noToken,
  noNodePort,
  oneLoadBalancer,
];
