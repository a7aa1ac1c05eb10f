import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { isSecret, type Output, RunError, runtime } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { InvalidSettingsError, readConfig, settingNames } from "../../service/src/config.ts";
import {
  invalidRedisUrls,
  secret,
  validRedisUrls,
  validSocketUrls,
} from "../../service/test/redis-url-cases.ts";
import { readSettings } from "../config.ts";
import { promised } from "./recorded.ts";
import { cloud, dev } from "./stack-config.ts";

await runtime.setMocks(
  { newResource: ({ id, inputs }) => ({ id, state: inputs }), call: ({ inputs }) => inputs },
  "prediction-service",
);

function settings(config: Record<string, unknown>) {
  const entries = Object.entries(config).map(([key, value]) => [
    `prediction-service:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  runtime.setAllConfig({ "other:service": "x", ...Object.fromEntries(entries) });
  return readSettings();
}

const service =
  "a map of model, otherModels, minReplicas, maxReplicas, targetCpu, targetRequestsPerSecond, resources, env";
const replicas = "an integer from 1 to 1000";
const cpu = "CPU cores such as 250m or 1";
const memory = "memory such as 256Mi or 1Gi";
const image = "an image with a tag or digest, such as redis:7.4 or redis@sha256:…";
const model = "an ONNX file in the project's folder model/, such as model/california-housing.onnx";
const registry = "a registry's host and path such as registry.example.com/team";

describe("invalid settings", () => {
  test.each([
    ["kubeContext", { kubeContext: "" }, '""', "the name of a kubeconfig context"],
    ["minikubeProfile", { minikubeProfile: "-p x" }, '"-p x"', "the name of a Minikube profile"],
    ["namespace", { namespace: "W_255" }, '"W_255"', "a DNS label"],
    ["service", { service: "2" }, '"2"', service],
    ["service.model", { service: { model: 1 } }, "1", model],
    ["service.model", { service: { model: "" } }, '""', model],
    ["service.model", { service: { model: "model/wine.bin" } }, '"model/wine.bin"', model],
    ["service.model", { service: { model: "wine.onnx" } }, '"wine.onnx"', model],
    ["service.model", { service: { model: "../wine.onnx" } }, '"../wine.onnx"', model],
    ["service.model", { service: { model: "/model/wine.onnx" } }, '"/model/wine.onnx"', model],
    ["service.model", { service: { model: "model/../a.onnx" } }, '"model/../a.onnx"', model],
    ["service.model", { service: { model: "model/src/a.onnx" } }, '"model/src/a.onnx"', model],
    ["service.model", { service: { model: "model/*.onnx" } }, '"model/*.onnx"', model],
    [
      "service.model",
      { service: { model: "model/none.onnx" } },
      '"model/none.onnx", which is not a regular file',
      model,
    ],
    [
      "service.otherModels",
      { service: { otherModels: "wine" } },
      '"wine"',
      `a list of models, each ${model}`,
    ],
    ["service.otherModels.0", { service: { otherModels: ["wine.onnx"] } }, '"wine.onnx"', model],
    [
      "service.otherModels.0",
      { service: { otherModels: ["model/none.onnx"] } },
      '"model/none.onnx", which is not a regular file',
      model,
    ],
    [
      "service.otherModels",
      { service: { otherModels: ["model/california-housing.onnx"] } },
      '"model/california-housing.onnx" twice',
      "models other than service.model, once each",
    ],
    ["service.maxReplicas", { service: { maxReplicas: 0 } }, "0", replicas],
    ["service.maxReplicas", { service: { maxReplicas: "3" } }, '"3"', replicas],
    ["service.minReplicas", { service: { minReplicas: 1.5 } }, "1.5", replicas],
    ["service.maxReplicas", { service: { minReplicas: 5 } }, "4", "minReplicas (5) or more"],
    ["service.targetCpu", { service: { targetCpu: "50%" } }, '"50%"', cpu],
    ["service.targetCpu", { service: { targetCpu: "0m" } }, '"0m"', cpu],
    [
      "service.targetCpu",
      { service: { targetCpu: "1000m" } },
      '"1000m"',
      "less than resources.limits.cpu (1), which no pod exceeds",
    ],
    [
      "service.resources.limits.memory",
      { service: { resources: { limits: { memory: "512" } } } },
      '"512"',
      memory,
    ],
    [
      "service.resources.requests.cpu",
      { service: { resources: { requests: { cpu: "fast" } } } },
      '"fast"',
      cpu,
    ],
    [
      "cache.redisMaxMemory",
      { cache: { redisMaxMemory: "1g" } },
      '"1g"',
      "mebibytes such as 128Mi",
    ],
    [
      "service.targetRequestsPerSecond",
      { service: { targetRequestsPerSecond: 0 } },
      "0",
      "an integer from 1 to 1000000",
    ],
    ["monitoring.deploy", { monitoring: { deploy: "yes" } }, '"yes"', "true or false"],
    [
      "monitoring.labels.release",
      { monitoring: { labels: { release: "a b" } } },
      '"a b"',
      "the value of a label",
    ],
    ["registry", { registry: "https://example.com" }, '"https://example.com"', registry],
    ["loadBalancer.await", { loadBalancer: { await: "no" } }, '"no"', "true or false"],
  ])(
    "the error for an invalid %s says what was found and what is allowed: %j",
    (name, config, found, allowed) => {
      expect(() => settings(config)).toThrow(
        new RunError(`prediction-service:${name}: found ${found}; allowed: ${allowed}`),
      );
    },
  );

  test.each(["build", "runtime", "redis", "busybox", "prometheus", "grafana"])(
    "images.%s is refused unless it is an image with a tag or digest",
    (name) => {
      for (const value of [
        "",
        "redis",
        "redis:",
        "redis@sha256:1",
        "redis:7 .4",
        "https://redis:7",
      ]) {
        expect(() => settings({ images: { [name]: value } })).toThrow(
          new RunError(
            `prediction-service:images.${name}: found ${JSON.stringify(value)}; allowed: ${image}`,
          ),
        );
      }
    },
  );

  test("an unknown setting is named without its value, which may be secret", () => {
    expect(() => settings({ redisURL: "redis://:secret@x", cache: { ttl: 1 } })).toThrow(
      new RunError(
        "prediction-service:cache.ttl: found an unknown name; allowed: a map of redisMaxMemory\n" +
          "prediction-service:redisURL: found an unknown name; allowed: a map of kubeContext," +
          " minikubeProfile, namespace, service, cache, images, registry, redisUrl, apiTokens," +
          " metricsToken, loadBalancer, monitoring",
      ),
    );
  });

  test("all invalid settings are named together", () => {
    expect(() => settings({ namespace: "_", service: { minReplicas: 0 } })).toThrow(
      /^prediction-service:namespace: .*\nprediction-service:service\.minReplicas: .*$/,
    );
  });
});

test.each([
  "redis:7.4",
  "registry.example.com:5000/team/redis:7.4-bookworm",
  `docker.io/library/redis:7.4@sha256:${"0".repeat(64)}`,
  `redis@sha256:${"a".repeat(64)}`,
])("the image %s is accepted for each setting of an image", (image) => {
  const names = ["build", "runtime", "redis", "busybox", "prometheus", "grafana"];
  const images = Object.fromEntries(names.map((name) => [name, image]));
  expect(settings({ images }).images).toEqual(images);
});

describe("service.env", () => {
  const reserved = [
    ...["API_TOKENS_FILE", "HOST", "MODEL_CONTROL", "MODEL_DEFAULT", "MODEL_PATH"],
    ...["PORT", "REDIS_URL"],
  ];
  const settable = settingNames.filter((name) => !reserved.includes(name));

  /** Returns what the service itself says about an environment. */
  function refusal(environment: Record<string, string>): string {
    try {
      readConfig(environment);
    } catch (error) {
      if (error instanceof InvalidSettingsError) return error.message;
      throw error;
    }
    throw new Error("the service accepts it");
  }

  test.each(settable)(
    "an invalid service.env.%s is refused with the message of the service",
    (name) => {
      const env = { [name]: "no such value" };
      expect(() => settings({ service: { env } })).toThrow(
        new RunError(`prediction-service:service.env.${refusal(env)}`),
      );
    },
  );

  test("numbers and strings in service.env become strings", () => {
    const { env } = settings({ service: { env: { MAX_HOUSES: 5, DRAIN_SECONDS: "7" } } }).service;
    expect(env).toEqual({ MAX_HOUSES: "5", DRAIN_SECONDS: "7" });
  });

  test.each([
    ["API_TOKENS_FILE", "the stack's own setting apiTokens"],
    ["HOST", "nothing, as pods listen on all their addresses"],
    ["MODEL_CONTROL", "nothing, as a client would change the models of one pod only"],
    ["MODEL_DEFAULT", "the stack's own setting service.model"],
    ["MODEL_PATH", "the stack's own settings service.model and service.otherModels"],
    ["PORT", "nothing, as the Service needs to know the port"],
    ["REDIS_URL", "the stack's own setting redisUrl"],
  ])("service.env.%s is refused, because the stack sets it", (name, instead) => {
    expect(() => settings({ service: { env: { [name]: secret } } })).toThrow(
      new RunError(
        `prediction-service:service.env.${name}: found a variable that the stack sets; allowed: ${instead}`,
      ),
    );
  });

  test("an unknown variable in service.env is refused, and the message lists the known ones", () => {
    const message = `prediction-service:service.env.MAX_HOUSE: found an unknown name; allowed: a map of ${settable.join(", ")}`;
    expect(() => settings({ service: { env: { MAX_HOUSE: secret } } })).toThrow(
      new RunError(message),
    );
  });

  test("a value in service.env that is neither a string nor a number is refused", () => {
    expect(() => settings({ service: { env: { LOG_LEVEL: true } } })).toThrow(
      "service.env.LOG_LEVEL: found true; allowed: a string or a number",
    );
  });
});

test("without any setting, the stack is the one for Minikube", () => {
  expect(settings({})).toEqual({
    kubeContext: "minikube",
    namespace: "w255",
    service: {
      model: "model/california-housing.onnx",
      otherModels: [],
      minReplicas: 2,
      maxReplicas: 4,
      targetCpu: "500m",
      resources: {
        requests: { cpu: "200m", memory: "256Mi" },
        limits: { cpu: "1", memory: "512Mi" },
      },
      env: {},
    },
    cache: { redisMaxMemory: 128 },
    images: {
      redis: "redis:7.4",
      busybox: "busybox:1.37",
      prometheus: "prom/prometheus:v3.5.0",
      grafana: "grafana/grafana:12.1.0",
    },
    loadBalancer: { await: false },
    monitoring: {
      scrapeAnnotations: false,
      prometheusOperator: false,
      dashboard: false,
      labels: {},
      deploy: false,
    },
  });
});

test("Pulumi.dev.yaml sets the default values", () => {
  const defaults = settings({});
  runtime.setAllConfig(dev.config);
  expect(readSettings()).toEqual(defaults);
});

test("Pulumi.cloud.example.yaml is valid", () => {
  runtime.setAllConfig(cloud.config, cloud.secretKeys);
  expect(readSettings()).toMatchObject({
    registry: "registry.example.com/predictions",
    redisUrl: { host: "redis.example.com", tls: true },
    loadBalancer: { await: true },
  });
});

describe("apiTokens", () => {
  const apiTokens = `# For the tests\n${secret}-0123456789\n`;

  test("apiTokens with valid tokens is a secret", async () => {
    const tokens = settings({ apiTokens }).apiTokens;
    expect(tokens && (await isSecret(tokens))).toBe(true);
    expect(tokens && (await promised(tokens))).toBe(apiTokens);
  });

  test.each([
    ["without any", "# none", "found no tokens"],
    ["with an invalid one", `${apiTokens}${secret} x`, "found an invalid token in line 3"],
    ["that is a map", { tokens: secret }, "found a value that is not a string"],
  ])("apiTokens %s is refused, and is not shown", (_, apiTokens, found) => {
    expect(() => settings({ apiTokens })).toThrow(
      `prediction-service:apiTokens: ${found}; allowed`,
    );
    expect(() => settings({ apiTokens })).not.toThrow(secret);
  });

  test("API_TOKENS_FOR without apiTokens is refused, because nothing would be protected", () => {
    const service = { env: { API_TOKENS_FOR: "api,docs" } };
    expect(() => settings({ service })).toThrow(
      new RunError(
        'prediction-service:service.env.API_TOKENS_FOR: found "api,docs"; allowed: only together with apiTokens',
      ),
    );
    expect(settings({ service, apiTokens }).service.env).toEqual(service.env);
  });

  test("API_TOKENS_FOR with health is refused, because no pod would ever be ready", () => {
    const service = { env: { API_TOKENS_FOR: "api,health" } };
    expect(() => settings({ service, apiTokens })).toThrow(
      new RunError(
        'prediction-service:service.env.API_TOKENS_FOR: found "api,health"; allowed: no health, because the probes of Kubernetes send no token',
      ),
    );
  });
});

describe("metricsToken", () => {
  const token = `${secret}-0123456789`;
  const apiTokens = `another-token-for-tests\n${token}`;

  test("a metricsToken that is one of apiTokens is a secret", async () => {
    const { metricsToken } = settings({ apiTokens, metricsToken: token });
    expect(metricsToken && (await isSecret(metricsToken))).toBe(true);
    expect(metricsToken && (await promised(metricsToken))).toBe(token);
  });

  test.each([
    ["that is not one of apiTokens", { apiTokens, metricsToken: `${secret}-other` }],
    ["without apiTokens", { metricsToken: token }],
  ])("a metricsToken %s is refused, and is not shown", (_, config) => {
    expect(() => settings(config)).toThrow(
      new RunError(
        "prediction-service:metricsToken: found another token; allowed: a token of apiTokens",
      ),
    );
  });

  test("a metricsToken that is a map is refused, and is not shown", () => {
    expect(() => settings({ apiTokens, metricsToken: { token } })).toThrow(
      new RunError(
        "prediction-service:metricsToken: found a value that is not a string; allowed: a token of apiTokens",
      ),
    );
  });

  test.each(["prometheusOperator", "deploy"])(
    "monitoring.%s without the metricsToken that /metrics requires is refused",
    (name) => {
      const service = { env: { API_TOKENS_FOR: "api,metrics" } };
      const config = { apiTokens, service, monitoring: { [name]: true } };
      expect(() => settings(config)).toThrow(
        new RunError(
          'prediction-service:service.env.API_TOKENS_FOR: found "api,metrics"; allowed: metrics only together with metricsToken, which Prometheus sends',
        ),
      );
      expect(settings({ ...config, metricsToken: token }).service.env).toEqual(service.env);
      const others = { ...config, service: { env: { API_TOKENS_FOR: "api" } } };
      expect(settings(others).metricsToken).toBeUndefined();
    },
  );
});

describe("redisUrl", () => {
  const address = (redisUrl: string) => settings({ redisUrl }).redisUrl;

  /** Returns the value of a secret output; undefined if the output is not secret. */
  async function reveal(output: Output<string> | undefined): Promise<string | undefined> {
    return output && (await isSecret(output)) ? promised(output) : undefined;
  }

  test.each(validRedisUrls)(
    "redisUrl %s is accepted",
    async (text, host, port, username, password) => {
      const parsed = address(text);
      expect(parsed).toMatchObject({ host, port, tls: text.startsWith("rediss:") });
      expect(await reveal(parsed?.url)).toBe(text);
      expect(await reveal(parsed?.username)).toBe(username || "default");
      expect(await reveal(parsed?.password)).toBe(password);
    },
  );

  test.each(validSocketUrls)("redisUrl %s is refused: pods can't reach a Unix socket", (text) => {
    expect(() => address(text)).toThrow(
      new RunError(
        "prediction-service:redisUrl: found an invalid scheme; allowed: redis:// or rediss://",
      ),
    );
  });

  test.each(invalidRedisUrls)(
    "redisUrl %j is refused for its %s, and is not shown",
    (text, part) => {
      const start = new RegExp(
        `^prediction-service:redisUrl: found an invalid ${part}; allowed: \\S`,
      );
      expect(() => address(text)).toThrow(start);
      expect(() => address(text)).not.toThrow(secret);
    },
  );

  test("a redisUrl that is a map is refused, and is not shown", () => {
    expect(() => settings({ redisUrl: { url: secret } })).toThrow(
      new RunError(
        "prediction-service:redisUrl: found a value that is not a string; allowed: a URL",
      ),
    );
  });
});

test("with the settings of the service, the stack loads no package of the service except zod", () => {
  const program = `
    import { registerHooks } from "node:module";
    const packages = new Set();
    registerHooks({
      resolve(specifier, context, next) {
        if (/^(?!node:)[@a-z]/.test(specifier)) packages.add(specifier);
        return next(specifier, context);
      },
    });
    await import("./service/src/config.ts");
    console.log(...packages);`;
  const packages = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: join(import.meta.dirname, "../.."),
    encoding: "utf8",
  });
  expect(packages).toBe("zod\n");
});
