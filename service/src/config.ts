import { join } from "node:path";
import { z } from "zod";
import { logLevels } from "./telemetry/logger.ts";

const defaultModelPath = join(import.meta.dirname, "../../model/california-housing.onnx");

function integer(minimum: number, maximum: number, allowed: string) {
  const error = `${allowed} from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d+$/, { error, abort: true })
    .transform(Number)
    .pipe(z.number().min(minimum, { error }).max(maximum, { error }));
}

const count = (maximum = 1_000_000_000) => integer(1, maximum, "an integer");

const redisUrls = "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… or unix:///PATH";

function isWellFormedUrl(text: string): boolean {
  try {
    decodeURIComponent(text);
    return text.startsWith("unix:") || URL.canParse(text);
  } catch {
    return false;
  }
}

const Environment = z.object({
  PORT: integer(0, 65_535, "an integer").default(8000),
  HOST: z.string().default("127.0.0.1"),
  MODEL_PATH: z.string().endsWith(".onnx", "a path ending in .onnx").default(defaultModelPath),
  LOG_LEVEL: z.enum(logLevels, `one of ${logLevels.join(", ")}`).default("info"),
  MAX_BODY_BYTES: count().default(32 * 1024 * 1024),
  MAX_RECORD_BYTES: count().default(1024 * 1024),
  MAX_BYTES_IN_FLIGHT: count().default(64 * 1024 * 1024),
  MAX_HEADER_BYTES: count().default(64 * 1024),
  MAX_HOUSES: count().default(100_000),
  MAX_CONCURRENT_REQUESTS: count().default(1_000),
  REQUEST_TIMEOUT_MS: integer(1, 3_600_000, "milliseconds").default(30_000),
  REDIS_URL: z
    .string()
    .regex(/^(?:rediss?:\/\/[^\s/?#]+(?:\/\d*)?|unix:\/\/(?:[^\s/@]+@)?\/[^\s?#]+(?:\?db=\d+)?)$/, {
      error: redisUrls,
      abort: true,
    })
    .refine(isWellFormedUrl, redisUrls)
    .optional(),
  CACHE_TTL_SECONDS: count(31_536_000).default(3_600),
  CACHE_TIMEOUT_MS: integer(1, 60_000, "milliseconds").default(50),
  CACHE_MEMORY_BYTES: integer(0, 1_099_511_627_776, "bytes").default(64 * 1024 * 1024),
  DRAIN_SECONDS: integer(0, 3_600, "seconds").default(0),
});

/** Variables whose values may hold a password. */
const secrets: ReadonlySet<unknown> = new Set(["REDIS_URL"]);

/** The process's settings, typed; see the table in README.md. */
export type Config = Readonly<z.infer<typeof Environment>>;

/** One or more environment variables hold what they can't. */
export class ConfigError extends Error {}

/**
 * Reads the settings. A variable that is set to nothing counts as absent.
 *
 * @throws {ConfigError} naming every wrong variable, what was found and what is allowed
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const result = Environment.safeParse(set);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path: [name = ""], message }) => {
    const found = secrets.has(name) ? "a value not shown" : `"${set[String(name)]}"`;
    return `${String(name)}: found ${found}; allowed: ${message}`;
  });
  throw new ConfigError(faults.join("\n"));
}
