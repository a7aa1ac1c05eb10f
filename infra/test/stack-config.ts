import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const StackFile = z.object({ config: z.record(z.string(), z.unknown()) });

/** The URL of the managed Redis, which `Pulumi.cloud.example.yaml` does not set. */
export const managedRedisUrl = "rediss://someone:pass%20word@redis.example.com:6380";

/** Returns the configuration in a stack file as the CLI passes it to the program: maps are JSON. */
function stackConfig(file: string): Record<string, string> {
  const { config } = StackFile.parse(parse(readFileSync(join(root, file), "utf8")));
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** The configuration of a stack. Maps are JSON. */
export interface StackConfig {
  readonly config: Record<string, string>;
  /** The secret keys. By default, none. */
  readonly secretKeys?: string[];
}

/** `Pulumi.dev.yaml`. */
export const dev: StackConfig = { config: stackConfig("Pulumi.dev.yaml") };

const digest = `sha256:${"0".repeat(64)}`;

/** `Pulumi.cloud.example.yaml` with the values that a user adds. */
export const cloud: StackConfig = {
  config: {
    ...stackConfig("Pulumi.cloud.example.yaml"),
    "prediction-service:redisUrl": managedRedisUrl,
    "prediction-service:images": JSON.stringify({
      build: `node:24-bookworm-slim@${digest}`,
      runtime: `debian:bookworm-slim@${digest}`,
    }),
  },
  secretKeys: ["prediction-service:redisUrl"],
};
