import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");
const StackFile = z.object({ config: z.record(z.string(), z.unknown()) });

/** The URL of the managed Redis, which the example leaves to be set. */
export const managedRedisUrl = "rediss://someone:pass%20word@redis.example.com:6380";

/** The configuration in a stack file, as the CLI hands it to the program: maps as JSON. */
export function stackConfig(file: string): Record<string, string> {
  const { config } = StackFile.parse(parse(readFileSync(join(root, file), "utf8")));
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** The committed stack, for Minikube. */
export const dev = { config: stackConfig("Pulumi.dev.yaml"), secretKeys: [] };

/** The example of another cluster, with its secret set. */
export const cloud = {
  config: {
    ...stackConfig("Pulumi.cloud.example.yaml"),
    "prediction-service:redisUrl": managedRedisUrl,
  },
  secretKeys: ["prediction-service:redisUrl"],
};
