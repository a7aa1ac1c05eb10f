/**
 * The kinds of the Prometheus Operator with the fields that the stack uses. As their schemas are
 * structural, the API server refuses any other field.
 */

const text = { type: "string" };
const texts = { type: "object", additionalProperties: text };
const object = (properties: Record<string, unknown>, ...required: string[]) => {
  return { type: "object", properties, required };
};
const list = (items: unknown) => ({ type: "array", items });

const credentials = object({ name: text, key: text }, "name", "key");
const endpoint = object({
  port: text,
  path: text,
  authorization: object({ type: text, credentials }),
});
const serviceMonitor = object(
  { selector: object({ matchLabels: texts }), endpoints: list(endpoint) },
  "selector",
  "endpoints",
);

const rule = object(
  {
    record: text,
    alert: text,
    // The original has `x-kubernetes-int-or-string`, too.
    expr: { "x-kubernetes-int-or-string": true },
    for: {
      type: "string",
      pattern:
        "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$",
    },
    labels: texts,
    annotations: texts,
  },
  "expr",
);
const prometheusRule = object({ groups: list(object({ name: text, rules: list(rule) }, "name")) });

function definition(kind: string, plural: string, spec: unknown) {
  const group = "monitoring.coreos.com";
  const schema = { openAPIV3Schema: object({ spec }, "spec") };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

/** The CustomResourceDefinitions. */
export const operatorKinds = [
  definition("ServiceMonitor", "servicemonitors", serviceMonitor),
  definition("PrometheusRule", "prometheusrules", prometheusRule),
];
