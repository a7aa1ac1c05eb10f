import { afterAll, beforeAll, describe } from "vitest";
import { dockerAnswers } from "../../../test/docker.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { checks } from "./checks.ts";
import { KubernetesNode } from "./kubernetes-node.ts";
import { NodeUnderTest } from "./node-under-test.ts";

const timeoutMs = 300_000;
const test = testNeeding(dockerAnswers() && KubernetesNode.isPossible());

describe("on a whole node", () => {
  let on: NodeUnderTest;
  beforeAll(async () => {
    on = await NodeUnderTest.start();
  }, timeoutMs);
  afterAll(() => on?.stop(), timeoutMs);

  let passed = true;
  for (const { name, run } of checks) {
    test(name, { timeout: timeoutMs }, async ({ skip }) => {
      skip(!passed, "an earlier check failed");
      passed = false;
      process.stdout.write(`${name}: ${await run(on)}\n`);
      passed = true;
    });
  }
});
