import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const StackFile = z.object({ config: z.record(z.string(), z.unknown()) });

/** The URL of the managed Redis, which the example leaves to be set. */
export const managedRedisUrl = "rediss://someone:pass%20word@redis.example.com:6380";

/** The configuration in a stack file, as the CLI hands it to the program: maps as JSON. */
function stackConfig(file: string): Record<string, string> {
  const { config } = StackFile.parse(parse(readFileSync(join(root, file), "utf8")));
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** A stack's configuration: full keys, maps as JSON. */
export interface StackConfig {
  readonly config: Record<string, string>;
  /** The keys that are secret; default none. */
  readonly secretKeys?: string[];
}

/** The committed stack, for Minikube. */
export const dev: StackConfig = { config: stackConfig("Pulumi.dev.yaml") };

const digest = `sha256:${"0".repeat(64)}`;

/** The example of another cluster, with the values that it leaves to be set. */
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
