import { expect, vi } from "vitest";
import { waitOptions } from "../../../test/wait-options.ts";
import { deployForAll, newHouse, test } from "./on-node.ts";
import { baseImages } from "./stack-on-node.ts";

const replicas = 2;
const stack = deployForAll("deployment", replicas);

test("all pods of the stack become ready", async () => {
  const ready = { isReady: true, restarts: 0 };

  await vi.waitFor(async () => {
    const api = await stack().pods("prediction-api");
    expect(api).toMatchObject(
      Array.from({ length: replicas }, () => ({ ...ready, image: stack().image })),
    );
    expect(await stack().pods("redis")).toMatchObject([ready]);
  }, waitOptions);
});

test("the namespace admits only restricted pods", async () => {
  const unrestricted = ["run", "unrestricted", "--image", baseImages.busybox, "--dry-run=server"];

  await expect(stack().kubectl(...unrestricted)).rejects.toThrow(
    /violates PodSecurity "restricted:/,
  );
});

test("the Service answers predictions", async () => {
  const house = newHouse();

  const one = await stack().ask("/predict", house);
  const bulk = await stack().ask("/bulk_predict", { houses: [house, house] });

  expect(one).toMatchObject({ status: 200, body: { prediction: expect.any(Number) } });
  const { prediction } = Object(one.body);
  expect(bulk).toMatchObject({ status: 200, body: { predictions: [prediction, prediction] } });
});

test("a prediction is first a MISS, then a HIT from Redis", async () => {
  const scan = ["redis-cli", "--scan", "--pattern", "*"];
  const keys = async () =>
    (await stack().kubectl("exec", "deployment/redis", "--", ...scan)).split("\n");
  const before = await keys();
  // While pods start, Redis may take longer to reply than a prediction waits for it.
  const { house, first } = await vi.waitFor(
    async () => {
      const house = newHouse();
      const first = await stack().ask("/predict", house);
      expect(first.headers.get("x-cache")).toBe("MISS");
      return { house, first };
    },
    { ...waitOptions, interval: 500 },
  );
  const version = first.headers.get("x-model-version");
  const key = new RegExp(`^predictions:${version}:[^:]*predict:[0-9a-f]{64}$`);
  await vi.waitFor(async () => {
    const added = (await keys()).filter((name) => !before.includes(name));
    expect(added).toEqual([expect.stringMatching(key)]);
  }, waitOptions);

  const second = await stack().ask("/predict", house);

  expect(second.headers.get("x-cache")).toBe("HIT");
  expect(second.headers.get("cache-status")).toContain("detail=redis");
  expect(second.body).toEqual(first.body);
});

/** Returns kind, namespace and name of each object in the stack's namespace or in none. */
async function objects(): Promise<string[][]> {
  const { namespace, node } = stack();
  const kinds = await node.kubectl("api-resources", "--verbs=list", "--output=name");
  const which = ["--all-namespaces", "--selector", "app.kubernetes.io/managed-by=pulumi"];
  const columns = "custom-columns=:.kind,:.metadata.namespace,:.metadata.name";
  const how = ["--no-headers", "--output", columns];
  const rows = await node.kubectl("get", kinds.replaceAll("\n", ","), ...which, ...how);
  return rows
    .split("\n")
    .map((row) => row.trim().split(/\s+/))
    .filter(([kind, where, name]) => {
      return (
        where === namespace || (where === "<none>" && (kind !== "Namespace" || name === namespace))
      );
    });
}

test("destroying the stack leaves nothing behind", async () => {
  expect(await objects()).toContainEqual(["Namespace", "<none>", stack().namespace]);

  await stack().destroy();

  expect(await objects()).toEqual([]);
});
