/** The user id of each image. The kubelet can't check that a user name is not root. */
export const users = { redis: 999, grafana: 472, node: 1000, nobody: 65534 } as const;

/**
 * Returns the part of a pod that the `restricted` Pod Security Standard requires. The pod gets no
 * API token.
 */
export const restrictedPod = (user: number) => ({
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    seccompProfile: { type: "RuntimeDefault" },
  },
});

/** The part of a container that the `restricted` Pod Security Standard requires. */
export const restrictedContainer = {
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
};
