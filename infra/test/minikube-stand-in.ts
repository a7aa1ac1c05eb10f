import { afterEach, beforeEach, vi } from "vitest";
import { pathWithMinikube } from "./path-with-minikube.ts";

/** Lets all following tests use the stand-in for Minikube, and import the program again. */
export function useMinikubeStandIn(): void {
  beforeEach(() => {
    vi.stubEnv("PATH", pathWithMinikube);
    vi.resetModules();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
}
