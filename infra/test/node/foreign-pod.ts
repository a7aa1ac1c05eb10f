import { onTestFinished } from "vitest";
import type { KubernetesNode } from "./kubernetes-node.ts";
import { baseImages } from "./stack-on-node.ts";

/** Sends text to a port and prints the last line of the response, or "nothing". */
export const send = (text: string, host: string, port: number) =>
  `printf '${text}' | timeout 12 nc -w 6 ${host} ${port} | tail -n 1 | grep . || echo nothing`;

/**
 * Runs shell commands in a pod outside of the stack's namespace.
 *
 * @param pod its namespace, and the name in its labels
 * @returns what each command prints
 */
export async function runInForeignPod(
  node: KubernetesNode,
  pod: { readonly namespace: string; readonly name: string },
  ...lines: string[]
): Promise<string[]> {
  const script = lines.map((line) => `echo "$({ ${line}; } 2>/dev/null)"`).join("\n");
  const foreign = (...args: string[]) => node.kubectl("--namespace", pod.namespace, ...args);
  const how = ["--restart=Never", "--image-pull-policy=Never", "--image", baseImages.busybox];
  const labels = `--labels=app.kubernetes.io/name=${pod.name}`;
  await foreign("run", "foreign", ...how, labels, "--command", "--", "sh", "-c", script);
  onTestFinished(async () => void (await foreign("delete", "pod", "foreign", "--now")));
  const succeeded = "--for=jsonpath={.status.phase}=Succeeded";
  await foreign("wait", "pod/foreign", succeeded, "--timeout=240s");
  return (await foreign("logs", "foreign")).split("\n");
}
