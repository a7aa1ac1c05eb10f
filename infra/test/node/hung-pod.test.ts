import { expect, vi } from "vitest";
import { deployForAll, newHouse, test } from "./on-node.ts";

const stack = deployForAll("hung-pod", 1);

/** Kubernetes needs half a minute for each change. */
const slowOptions = { timeout: 180_000, interval: 200 };

/** Makes the liveness probe notice a hanging pod within seconds instead of a minute. */
async function speedUpLivenessProbe(): Promise<void> {
  const patch = ["periodSeconds", "timeoutSeconds"].map((name) => {
    return {
      op: "replace",
      path: `/spec/template/spec/containers/0/livenessProbe/${name}`,
      value: 2,
    };
  });
  const how = ["--type=json", "--patch", JSON.stringify(patch)];
  await stack().kubectl("patch", "deployment/prediction-api", ...how);
  await stack().kubectl("rollout", "status", "deployment/prediction-api", "--timeout=240s");
}

test("a pod that hangs leaves the Service and is restarted", async () => {
  await speedUpLivenessProbe();
  const pods = () => stack().pods("prediction-api");
  // The previous pod is gone only after it has drained.
  await vi.waitFor(
    async () => expect(await pods()).toMatchObject([{ isReady: true }]),
    slowOptions,
  );
  const [victim] = await pods();
  const before = victim?.restarts ?? 0;
  const now = async () => (await pods()).find(({ name }) => name === victim?.name);

  process.kill(await stack().node.processOf(String(victim?.containerId)), "SIGSTOP");

  await vi.waitFor(
    async () => expect(await now()).toMatchObject({ isReady: false, restarts: before }),
    slowOptions,
  );
  await vi.waitFor(async () => {
    const pod = await now();
    expect(pod?.isReady).toBe(true);
    expect(pod?.restarts).toBeGreaterThan(before);
  }, slowOptions);
  expect(await stack().ask("/predict", newHouse())).toMatchObject({ status: 200 });
});
