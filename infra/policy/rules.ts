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

/** A rule for each resource by itself. */
type ResourceRule = ResourceValidationPolicy & { readonly validateResource: ResourceValidation };

/** A rule for each pod, wherever it is described. */
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

/** A rule for each container of each pod, init containers too. */
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

/** A digest, a version of at least major.minor, or the sixteen hex digits of a content. */
const pinned = /(@sha256:[0-9a-f]{64}|:\d+\.\d+[\w.-]*|:[0-9a-f]{16})$/;

const pinnedImages = containerRule(
  "pinned-images",
  "An image is pinned by version, content or digest, so that a restart runs what was deployed.",
  ({ image }, report) => {
    if (!pinned.test(image)) report(`pin ${image} by digest, or at least to major.minor`);
  },
);

/** The build arguments that name base images. */
const baseImages = ["BUILD_IMAGE", "RUNTIME_IMAGE"];

const pinnedBaseImages: ResourceRule = {
  name: "pinned-base-images",
  description:
    "Base images are pinned, so that a base image changes with the stack and rolls out. Only an" +
    " image that stays in Minikube may use those that the Dockerfile names.",
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
  "A container requests CPU and memory and is limited in both, so that it can't starve others.",
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
  "A container tells whether it is ready and whether it lives.",
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
  "A pod runs as a user other than root, under the runtime's seccomp profile.",
  ({ securityContext }, report) => {
    if (!securityContext.runAsNonRoot) report("set securityContext.runAsNonRoot");
    if (!securityContext.runAsUser) report("set securityContext.runAsUser to other than 0");
    if (securityContext.seccompProfile?.type !== "RuntimeDefault") {
      report("set securityContext.seccompProfile.type to RuntimeDefault");
    }
  },
);

const restrictedContainers = containerRule(
  "restricted-containers",
  "A container gains no privileges, has no capabilities and can't write to its image.",
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
  description: "No pod gets a token for the cluster's API: none of them speaks to it.",
  validateResource({ type, props, name }, reportViolation) {
    const holder = podSpecOf(type, props) ?? serviceAccountOf(type, props);
    if (holder && holder.automountServiceAccountToken !== false) {
      reportViolation(`${name}: set automountServiceAccountToken to false`);
    }
  },
};

const noNodePort: ResourceRule = {
  name: "no-node-port",
  description: "No Service opens a port on the nodes, past the load balancer.",
  validateResource({ type, props, name }, reportViolation) {
    const service = serviceSpecOf(type, props);
    if (service?.type === "NodePort" || service?.ports.some(({ nodePort }) => nodePort)) {
      reportViolation(`${name}: use ClusterIP, or the one LoadBalancer`);
    }
  },
};

const oneLoadBalancer: StackValidationPolicy = {
  name: "one-load-balancer",
  description: "There is one way in.",
  validateStack({ resources }, reportViolation) {
    const names = resources
      .filter(({ type, props }) => serviceSpecOf(type, props)?.type === "LoadBalancer")
      .map(({ name }) => name);
    if (names.length > 1) reportViolation(`${names.join(", ")}: keep one LoadBalancer`);
  },
};

/** What every resource of the stack has to keep to. */
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
