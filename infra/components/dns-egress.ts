import type * as k8s from "@pulumi/kubernetes";

/**
 * Lets pods resolve names. It allows any address, because cluster DNS is not always a pod. NodeLocal
 * DNSCache listens on the node, at 169.254.20.10 or at the address of the DNS Service. Some clouds
 * have a resolver outside the cluster.
 */
export const dnsEgress: k8s.types.input.networking.v1.NetworkPolicyEgressRule = {
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};
