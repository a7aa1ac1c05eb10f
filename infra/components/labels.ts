const project = "prediction-service";

/** The labels that select a workload's pods; they never change. */
export const selectorLabels = (name: string) => ({ "app.kubernetes.io/name": name });

/** The labels of everything that belongs to a workload. */
export const labels = (name: string, component: string) => ({
  ...selectorLabels(name),
  "app.kubernetes.io/component": component,
  "app.kubernetes.io/part-of": project,
  "app.kubernetes.io/managed-by": "pulumi",
});

/** The annotation that rolls a Deployment when the Secret that it reads is another one. */
export const secretAnnotation = `${project}/secret-uid`;
