import { defineConfig } from "vitest/config";

const project = (name: string, root: string) => ({
  test: {
    name,
    root,
    include: ["test/**/*.test.ts"],
    exclude: ["test/containers/**", "test/node/**"],
    // Tests take a few seconds. On a busy machine they take several times as long.
    testTimeout: 60_000,
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
    testTimeout: 120_000,
    hookTimeout: 240_000,
  },
});

export default defineConfig({
  test: {
    // The default leaves one core idle, and many tests mostly wait for processes.
    maxWorkers: "100%",
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
