import { expect } from "vitest";

/** The result of the program for `Pulumi.dev.yaml`. */
export const devResult = {
  exitCode: 0,
  log: "",
  secretOutputs: [],
  outputs: {
    namespace: "w255",
    imageRef: expect.stringMatching(/^prediction-service:[0-9a-f]{16}$/),
    serviceName: "prediction-service",
    servicePort: 8000,
    redisKind: "in-cluster",
  },
};
