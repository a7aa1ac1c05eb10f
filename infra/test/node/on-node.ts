import { afterAll, beforeAll, inject } from "vitest";
import { testNeeding } from "../../../test/prerequisite.ts";
import { KubernetesNode } from "./kubernetes-node.ts";
import { type MoreSettings, StackOnNode } from "./stack-on-node.ts";

const running = inject("node");

/** A test that needs a Kubernetes node. */
export const test = testNeeding(running !== undefined);

/**
 * Deploys the stack to a namespace of its own, before the tests of a file.
 *
 * @returns a function that returns the stack
 */
export function deployForAll(
  namespace: string,
  replicas: number,
  more?: MoreSettings,
): () => StackOnNode {
  let stack: StackOnNode | undefined;
  const deployed = () => {
    if (stack === undefined) throw new Error(`nothing is deployed to ${namespace}`);
    return stack;
  };
  beforeAll(async () => {
    if (running === undefined) throw new Error("this machine can't be a Kubernetes node");
    if ("failure" in running) throw new Error(running.failure);
    stack = new StackOnNode(new KubernetesNode(running), namespace, replicas, more);
    await stack.deploy();
    await stack.ready();
  });
  afterAll(() => stack?.remove());
  return deployed;
}

let population = 1000;

/** Returns a house that no request of this file had before. */
export const newHouse = () => ({
  MedInc: 8.3252,
  HouseAge: 41,
  AveRooms: 6.98,
  AveBedrms: 1.02,
  Population: population++,
  AveOccup: 2.56,
  Latitude: 37.88,
  Longitude: -122.23,
});
