import { createSocket } from "node:dgram";
import { once } from "node:events";
import { clusterDns, type KubernetesNode, nodeLocalDns, runOnNode } from "./kubernetes-node.ts";

const queryTimeoutMs = 2_000;

/**
 * Does what NodeLocal DNSCache does: pods that start from now on use a DNS server at an address of
 * the node, which forwards queries to cluster DNS.
 *
 * @returns a function that stops it
 */
export async function startNodeLocalDns(node: KubernetesNode): Promise<() => Promise<void>> {
  await runOnNode("ip", "address", "replace", `${nodeLocalDns}/32`, "dev", "lo");
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const upstream = createSocket("udp4");
    const timeout = setTimeout(() => upstream.close(), queryTimeoutMs);
    upstream.once("message", (answer) => {
      clearTimeout(timeout);
      upstream.close();
      socket.send(answer, port, address);
    });
    upstream.send(query, 53, clusterDns);
  });
  socket.bind(53, nodeLocalDns);
  await once(socket, "listening");
  await node.useNodeLocalDns();
  return async () => {
    socket.close();
    await runOnNode("ip", "address", "delete", `${nodeLocalDns}/32`, "dev", "lo");
  };
}
