import { setTimeout as delay } from "node:timers/promises";
import { expect, vi } from "vitest";
import { deployForAll, test } from "./on-node.ts";
import { startRequestStream } from "./request-stream.ts";

const replicas = 2;
const stack = deployForAll("rollout", replicas);

test("an image with a new name rolls out without losing a request", async () => {
  const { node, namespace, image } = stack();
  const target = `http://prediction-service.${namespace}.svc.cluster.local:8000/predict`;

  // The agent that enforces NetworkPolicies here sometimes drops a connection while pods change.
  const { sent, failures, elapsedMs } = await node.withoutPolicies(async () => {
    const stream = await startRequestStream(node, image, target);
    const start = Date.now();
    await stack().deploy();
    await vi.waitFor(
      async () => {
        const wanted = { image: stack().image, isReady: true };
        const pods = await stack().pods("prediction-api");
        expect(pods).toMatchObject(Array.from({ length: replicas }, () => wanted));
      },
      { timeout: 180_000, interval: 250 },
    );
    const elapsedMs = Date.now() - start;
    await delay(2000);
    return { ...(await stream.end()), elapsedMs };
  });

  expect(stack().image).not.toBe(image);
  expect(failures).toEqual([]);
  // Fewer than 30 each second if the pod of the client gets too little processor time.
  expect(sent).toBeGreaterThan((elapsedMs / 1000) * 10);
});
