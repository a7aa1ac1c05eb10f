const project = "prediction-service";

/** Returns the labels that select the pods of a workload. They never change. */
export const selectorLabels = (name: string) => ({ "app.kubernetes.io/name": name });

/** Returns the labels of all resources of a workload. */
export const labels = (name: string, component: string) => ({
  ...selectorLabels(name),
  "app.kubernetes.io/component": component,
  "app.kubernetes.io/part-of": project,
  "app.kubernetes.io/managed-by": "pulumi",
});

/** The annotation that restarts the pods of a Deployment when their configuration changes. */
export const configAnnotation = `${project}/config-digest`;

/** The annotation that restarts the pods of a Deployment when their Secret is replaced. */
export const secretAnnotation = `${project}/secret-uid`;
