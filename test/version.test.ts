import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./machine.ts";

test("the version is written in the package of the service and, as Pulumi requires one, in the policy pack", () => {
  const found = globSync(["package.json", "*/package.json", "infra/policy/package.json"], {
    cwd: root,
  }).map((path) => ({ path, ...JSON.parse(readFileSync(join(root, path), "utf8")) }));
  const versions = found.filter(({ version }) => version !== undefined);

  expect(versions.map(({ path }) => path).toSorted()).toEqual([
    "infra/policy/package.json",
    "service/package.json",
  ]);
  expect(new Set(versions.map(({ version }) => version)).size).toBe(1);
});
