import { defineConfig } from "vitest/config";

const project = (name: string, root: string) => ({
  test: {
    name,
    root,
    include: ["test/**/*.test.ts"],
    exclude: ["test/containers/**"],
    testTimeout: 20_000,
  },
});

/**
 * These tests share one Docker daemon and need the whole machine, so they run one at a time.
 */
const containers = {
  test: {
    name: "containers",
    include: ["*/test/containers/*.test.ts"],
    globalSetup: "test/docker-daemon.ts",
    fileParallelism: false,
    testTimeout: 60_000,
  },
};

export default defineConfig({
  test: {
    projects: [
      project("service", "service"),
      project("model", "model"),
      project("infra", "infra"),
      project("bench", "bench"),
      project("run.sh", "."),
      containers,
    ],
  },
});
