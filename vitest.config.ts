import { defineConfig } from "vitest/config";

const project = (name: string, root: string) => ({
  test: { name, root, include: ["test/**/*.test.ts"], testTimeout: 20_000 },
});

export default defineConfig({
  test: {
    projects: [project("service", "service"), project("model", "model"), project("run.sh", ".")],
  },
});
