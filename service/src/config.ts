import { availableParallelism } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { accessGroups } from "./access/groups.ts";
import { parseRedisUrl, RedisUrlError } from "./redis-url.ts";
import { minBudgetBytes } from "./routes/byte-budget.ts";

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const modelControls = ["none", "explicit"] as const;
const engines = ["auto", "onnxruntime", "wasm"] as const;
const redisUses = ["auto", "always", "never"] as const;

const defaultModelPath = join(import.meta.dirname, "../../model/california-housing.onnx");

function integer(minimum: number, maximum: number, allowed: string) {
  const fault = { error: `${allowed} from ${minimum} to ${maximum}`, abort: true };
  return z
    .string()
    .regex(/^\d+$/, fault)
    .transform(Number)
    .pipe(z.number().min(minimum, fault).max(maximum, fault));
}

const count = (maximum = 1_000_000_000) => integer(1, maximum, "an integer");

/** A list of groups of endpoints, such as `api,docs`. */
const groups = z.string().transform((text, { addIssue }) => {
  const { success, data } = z.array(z.enum(accessGroups)).safeParse(text.split(","));
  if (success) return data;
  const allowed = `one or more of ${accessGroups.join(", ")}, separated by commas`;
  addIssue(`found "${text}"; allowed: ${allowed}`);
  return z.NEVER;
});

const maxWorkers = 256;

const workers = z
  .string()
  .transform((text) =>
    text === "auto" ? String(Math.min(maxWorkers, availableParallelism())) : text,
  )
  .pipe(integer(1, maxWorkers, "auto, or an integer"));

const Environment = z
  .object({
    PORT: integer(0, 65_535, "an integer").default(8000),
    HOST: z.string().default("127.0.0.1"),
    WORKERS: workers.default(1),
    MODEL_PATH: z.string().default(defaultModelPath),
    MODEL_DEFAULT: z.string().optional(),
    MODEL_CONTROL: z.enum(modelControls, `one of ${modelControls.join(", ")}`).default("none"),
    INFERENCE_ENGINE: z.enum(engines, `one of ${engines.join(", ")}`).default("auto"),
    LOG_LEVEL: z.enum(logLevels, `one of ${logLevels.join(", ")}`).default("info"),
    MAX_BODY_BYTES: count().default(32 * 1024 * 1024),
    MAX_RECORD_BYTES: count().default(1024 * 1024),
    MAX_BYTES_IN_FLIGHT: count().default(48 * 1024 * 1024),
    MAX_HEADER_BYTES: count().default(64 * 1024),
    MAX_HOUSES: count().default(100_000),
    MAX_EXPLAINED: count().default(1_000),
    MAX_CONCURRENT_REQUESTS: count().default(1_000),
    MAX_WAIT_MS: integer(1, 3_600_000, "milliseconds").default(100),
    MAX_CONNECTIONS: count().default(4_096),
    REQUEST_TIMEOUT_MS: integer(1, 3_600_000, "milliseconds").default(30_000),
    REDIS_URL: z
      .string()
      .superRefine((url, { addIssue }) => {
        try {
          parseRedisUrl(url);
        } catch (error) {
          if (!(error instanceof RedisUrlError)) throw error;
          addIssue(error.message);
        }
      })
      .optional(),
    CACHE_TTL_SECONDS: count(31_536_000).default(3_600),
    CACHE_TIMEOUT_MS: integer(1, 60_000, "milliseconds").default(50),
    CACHE_REDIS_PREDICT: z.enum(redisUses, `one of ${redisUses.join(", ")}`).default("auto"),
    CACHE_MEMORY_BYTES: integer(0, 1_099_511_627_776, "bytes").default(32 * 1024 * 1024),
    DRIFT_WINDOW_RECORDS: integer(0, 100_000, "records").default(10_000),
    DRAIN_SECONDS: integer(0, 3_600, "seconds").default(0),
    API_TOKENS_FILE: z.string().optional(),
    API_TOKENS_FOR: groups.optional(),
  })
  .superRefine(({ API_TOKENS_FILE, API_TOKENS_FOR }, { addIssue }) => {
    if (API_TOKENS_FOR === undefined || API_TOKENS_FILE !== undefined) return;
    const message = `found "${API_TOKENS_FOR}"; allowed: only together with API_TOKENS_FILE`;
    addIssue({ code: "custom", path: ["API_TOKENS_FOR"], message });
  })
  .superRefine(({ MAX_BYTES_IN_FLIGHT, MAX_BODY_BYTES }, { addIssue }) => {
    const minimum = minBudgetBytes(MAX_BODY_BYTES);
    if (MAX_BYTES_IN_FLIGHT >= minimum) return;
    const allowed = `at least ${minimum}, so that a body of MAX_BODY_BYTES fits`;
    const message = `found "${MAX_BYTES_IN_FLIGHT}"; allowed: ${allowed}`;
    addIssue({ code: "custom", path: ["MAX_BYTES_IN_FLIGHT"], message });
  })
  .superRefine(({ MODEL_CONTROL, WORKERS }, { addIssue }) => {
    if (MODEL_CONTROL !== "explicit" || WORKERS === 1) return;
    const message = `found "${WORKERS}"; allowed: 1, so that MODEL_CONTROL="explicit" loads models in all processes`;
    addIssue({ code: "custom", path: ["WORKERS"], message });
  });

/** The typed settings of the process; see docs/configuration.md. */
export type Config = Readonly<z.infer<typeof Environment>>;

/** The names of all settings. */
export const settingNames = Environment.keyof().options;

/** The service can't start with these settings. */
export class ConfigError extends Error {}

/** An environment variable whose value is invalid. */
interface SettingFault {
  readonly name: string;
  /** What was found and what is allowed. Contains no secret. */
  readonly message: string;
}

/** Some environment variables have invalid values. */
export class InvalidSettingsError extends ConfigError {
  readonly faults: readonly SettingFault[];

  constructor(faults: readonly SettingFault[]) {
    super(faults.map(({ name, message }) => `${name}: ${message}`).join("\n"));
    this.faults = faults;
  }
}

/**
 * Reads the settings. An empty variable counts as absent.
 *
 * @throws {InvalidSettingsError} naming every invalid variable, what was found and what is allowed
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const result = Environment.safeParse(set);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ code, path, message }) => {
    const name = path.join(".");
    // Custom messages already say what was found.
    const isComplete = code === "custom";
    return { name, message: isComplete ? message : `found "${set[name]}"; allowed: ${message}` };
  });
  throw new InvalidSettingsError(faults);
}
