import { expect, test } from "vitest";
import { GuardedNamespace } from "../components/guarded-namespace.ts";
import { promised, record } from "./recorded.ts";

const declare = () => new GuardedNamespace("namespace", { name: "w255", nodeId: "n" });

test("the namespace admits only restricted pods", async () => {
  const { resource } = await record(declare);
  expect(resource("Namespace", "namespace").inputs).toMatchObject({
    metadata: {
      name: "w255",
      labels: {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
      },
    },
  });
});

test("a policy denies all traffic of pods, and exists before anything else in the namespace", async () => {
  const { resource, resources, result } = await record(() => {
    const { name } = declare();
    return { name, user: new GuardedNamespace("user", { name: "other", nodeId: name }) };
  });
  const policy = resource("NetworkPolicy", "namespace-deny-all");
  expect(policy.inputs).toMatchObject({
    metadata: { namespace: "w255" },
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  });
  expect(await promised(result.name)).toBe("w255");
  const user = resource("Namespace", "user");
  expect(resources.indexOf(policy)).toBeLessThan(resources.indexOf(user));
  expect(user.replacementTrigger).toBe("w255");
});

test("a changed node replaces the namespace, and the old one is deleted first", async () => {
  const { resource } = await record(declare);
  expect(resource("Namespace", "namespace")).toMatchObject({
    replacementTrigger: "n",
    deleteBeforeReplace: true,
  });
});
