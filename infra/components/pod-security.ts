/** The numeric user of each image: the kubelet can't tell from a name whether it is root. */
export const users = { redis: 999, node: 1000, nobody: 65534 } as const;

/** A pod as the `restricted` Pod Security Standard wants it, with no way into the cluster's API. */
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

/** Any container of such a pod. */
export const restrictedContainer = {
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
};
