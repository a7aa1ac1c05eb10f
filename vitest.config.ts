import { defineConfig } from "vitest/config";

/** Much longer than any test takes, since a test that is slow on a busy machine is not wrong. */
const timeoutMs = 300_000;
const timeouts = { testTimeout: timeoutMs, hookTimeout: timeoutMs };

const project = (name: string, root: string) => ({
  test: {
    name,
    root,
    include: ["test/**/*.test.ts"],
    exclude: ["test/containers/**", "test/node/**"],
    ...timeouts,
  },
});

/**
 * These tests share one Docker daemon and need the whole machine, so they run one file at a time.
 */
const onDocker = (name: string, include: string, ...globalSetup: string[]) => ({
  test: {
    name,
    include: [include],
    globalSetup: ["test/docker-daemon.ts", ...globalSetup],
    fileParallelism: false,
    ...timeouts,
  },
});

export default defineConfig({
  test: {
    // The default leaves one core idle, and many tests mostly wait for processes.
    maxWorkers: "100%",
    // Long enough to stop the Docker daemon and the Kubernetes node.
    teardownTimeout: timeoutMs,
    projects: [
      project("service", "service"),
      project("model", "model"),
      project("infra", "infra"),
      project("bench", "bench"),
      project("run.sh", "."),
      onDocker("containers", "*/test/containers/*.test.ts"),
      onDocker("node", "infra/test/node/*.test.ts", "infra/test/node/set-up.ts"),
    ],
  },
});
