import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: ["service", "model"].map((name) => ({
      test: { name, root: name, include: ["test/**/*.test.ts"] },
    })),
  },
});
