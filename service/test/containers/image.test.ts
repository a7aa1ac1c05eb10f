import { execFileSync, execSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { buildServiceImage, docker, dockerAnswers } from "../../../test/docker.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { waitOptions } from "../../../test/wait-options.ts";
import { house as exampleHouse } from "../house-model.ts";

const maxMegabytes = 280;
const image = "prediction-service:image-test";
const test = testNeeding(dockerAnswers());

const checkout = join(import.meta.dirname, "../../..");
const Manifest = z.object({
  license: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});
const manifest = (path: string) =>
  Manifest.parse(JSON.parse(readFileSync(join(checkout, path), "utf8")));

beforeAll(() => buildServiceImage(image));
afterAll(() => void docker("image", "rm", "--force", image));

test(`the image is at most ${maxMegabytes} MB`, () => {
  const format = ["--human=false", "--no-trunc", "--format={{.Size}} {{.CreatedBy}}"];
  const layers = docker("history", ...format, image)
    .replaceAll("# buildkit", "")
    .split("\n")
    .map((layer) => layer.trimEnd().split(" "))
    .map(([bytes, ...step]) => ({ bytes: Number(bytes), of: step.at(-1) ?? "the base image" }))
    .filter(({ bytes }) => bytes > 0);
  const total = layers.reduce((sum, { bytes }) => sum + bytes, 0);
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`;

  const lines = layers.map(({ bytes, of }) => `${megabytes(bytes)} ${of}`);
  process.stdout.write(["The image:", ...lines, `${megabytes(total)} in total\n`].join("\n"));

  expect(total).toBeLessThanOrEqual(maxMegabytes * 1e6);
});

test("the image runs the service directly, as an unprivileged user with a numeric id, without a health check", () => {
  const { license } = manifest("service/package.json");

  const config = JSON.parse(docker("image", "inspect", "--format", "{{json .Config}}", image));

  expect(config).toMatchObject({
    User: "1000:1000",
    WorkingDir: "/app",
    Entrypoint: ["node", "service/src/main.ts"],
    ExposedPorts: { "8000/tcp": {} },
    Labels: {
      "org.opencontainers.image.title": "prediction-service",
      "org.opencontainers.image.description": expect.any(String),
      "org.opencontainers.image.version": "unknown",
      "org.opencontainers.image.licenses": license,
    },
  });
  expect(config.Env).toEqual(
    expect.arrayContaining([
      "HOST=0.0.0.0",
      "MALLOC_TRIM_THRESHOLD_=131072",
      "MODEL_PATH=/app/model/california-housing.onnx",
      "NODE_OPTIONS=--max-semi-space-size=16",
    ]),
  );
  expect([config.Cmd ?? null, config.Healthcheck ?? null]).toEqual([null, null]);
});

describe("its file system", () => {
  let paths: readonly string[] = [];
  const below = (folder: string) => paths.filter((path) => path.startsWith(folder));

  beforeAll(() => {
    const find = ["run", "--rm", "--user", "0", "--entrypoint", "find", image, "/", "-xdev"];
    paths = docker(...find).split("\n");
  });

  test("the image contains the service, its packages, its model and its compiled code", () => {
    expect(paths.filter((path) => /^\/app\/[^/]+$/.test(path)).toSorted()).toEqual([
      "/app/compiled",
      "/app/model",
      "/app/node_modules",
      "/app/service",
    ]);
    expect(below("/app/model/").toSorted()).toEqual([
      "/app/model/california-housing.json",
      "/app/model/california-housing.locations.json",
      "/app/model/california-housing.onnx",
    ]);
    const sources = readdirSync(join(checkout, "service/src"), { recursive: true });
    expect(below("/app/service/src/").toSorted()).toEqual(
      sources.map((path) => `/app/service/src/${path}`).toSorted(),
    );
  });

  test("the image contains only the packages that the service needs", () => {
    const { dependencies, devDependencies } = manifest("service/package.json");
    const isThere = (name: string) => paths.includes(`/app/service/node_modules/${name}`);
    const isInstalled = (name: string) => {
      return below(`/app/node_modules/.pnpm/${name.replace("/", "+")}@`).length > 0;
    };

    expect(Object.keys(dependencies).filter((name) => !isThere(name))).toEqual([]);
    const others = { ...devDependencies, ...manifest("package.json").devDependencies };
    expect(Object.keys(others).filter(isInstalled)).toEqual([]);
  });

  test("the packages in the image are those in the SBOM", () => {
    const Sbom = z.object({
      components: z.array(
        z.object({ group: z.string().optional(), name: z.string(), version: z.string() }),
      ),
    });
    const folder = mkdtempSync(join(tmpdir(), "sbom-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    execFileSync(join(checkout, "run.sh"), ["sbom", folder], { stdio: "pipe" });
    const { components } = Sbom.parse(
      JSON.parse(readFileSync(join(folder, "sbom.cdx.json"), "utf8")),
    );
    const listed = components.map(({ group, name, version }) =>
      [[group, name].filter(Boolean).join("+"), version].join("@"),
    );
    const installed = paths.flatMap(
      (path) => /^\/app\/node_modules\/\.pnpm\/([^/]+?@[^/_]+)[^/]*$/.exec(path)?.[1] ?? [],
    );
    expect(installed.toSorted()).toEqual(listed.toSorted());
  });

  test("the image contains no package managers, compilers or their caches", () => {
    const tool =
      /\/(apt.*|dpkg.*|npm|npx|yarn|pnpm|pnpx|corepack|cc|gcc|g\+\+|clang|ld|make|python3?|tsc|curl|wget)$/;
    expect(paths.filter((path) => /\/s?bin\//.test(path) && tool.test(path))).toEqual([]);
    expect(paths.filter((path) => /\/(\.npm|\.cache|pnpm-store)\//.test(path))).toEqual([]);
    expect(below("/usr/local/lib/node_modules")).toEqual([]);
  });

  test("the image contains native code for its own platform only, and no types or source maps", () => {
    const platforms = paths.flatMap((path) => /\/napi-v\d+\/(\w+\/\w+)$/.exec(path)?.[1] ?? []);
    expect(platforms).toEqual([expect.stringMatching(/^linux\/(x64|arm64)$/)]);
    expect(below("/app/node_modules/").filter((path) => /\.([cm]?ts|map)$/.test(path))).toEqual([]);
  });

  test("the image contains no files that the service could change", () => {
    const find = ["--entrypoint", "find", image, "/app", "-writable", "!", "-type", "l"];
    expect(docker("run", "--rm", ...find)).toBe("");
  });

  /** Runs a command as root in the image. Returns the lines that it prints. */
  const asRoot = (command: string, ...args: readonly string[]) => {
    const run = ["run", "--rm", "--user=0", `--entrypoint=${command}`, image];
    return docker(...run, ...args)
      .split("\n")
      .filter(Boolean);
  };

  test("no program in the image has a set-user-ID or set-group-ID bit", () => {
    expect(asRoot("find", "/", "-xdev", "-type", "f", "-perm", "/6000")).toEqual([]);
  });

  test("everyone may write only to the folders for temporary files in the image, which are sticky", () => {
    const writable = ["/", "-xdev", "-perm", "-0002", "!", "-type", "l"];
    const notSticky = ["!", "(", "-type", "d", "-perm", "-1000", ")"];
    expect(asRoot("find", ...writable, ...notSticky)).toEqual([]);
    expect(asRoot("find", ...writable).toSorted()).toEqual(["/run/lock", "/tmp", "/var/tmp"]);
  });

  test("the image contains no secrets in its files, its variables and the steps of its build", () => {
    const secret =
      /\/(\.git|\.env[^/]*|\.npmrc|\.netrc|\.pypirc|\.aws|\.docker|\.kube|\.ssh|\.pulumi|\.state|id_(rsa|ed25519)|[^/]*\.(key|p12|pfx|jks))$/;
    expect(paths.filter((path) => secret.test(path))).toEqual([]);
    const key = "-----BEGIN [A-Z ]*PRIVATE KEY-----\\s+[\\w+/=]{40}";
    const search = ["-rlPz", "--exclude-dir=proc", "--exclude-dir=sys", "-e", key, "/"];
    // The library tests itself with a published key.
    const grep = `grep --exclude='libgnutls.so.*' "$@" || test $? = 1`;
    const found = (...args: readonly string[]) => asRoot("sh", "-c", grep, "grep", ...args);
    expect(found(...search)).toEqual([]);
    expect(found("-vE", "^[^:]+:[!*]*:", "/etc/shadow")).toEqual([]);

    const variables = docker("image", "inspect", "--format", "{{json .Config.Env}}", image);
    const history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image);
    expect(variables + history).not.toMatch(/password|passwd|token|secret|credential|api_?key/i);
  });
});

/** Starts a container with the same restrictions as in the cluster. */
function start(...options: string[]) {
  const restricted = ["--read-only", "--user=1000", "--cap-drop=ALL"];
  const hardened = [...restricted, "--security-opt=no-new-privileges", "--publish=127.0.0.1::8000"];
  const id = docker("run", "--detach", ...hardened, ...options, image);
  onTestFinished(() => void docker("rm", "--force", id));
  const url = `http://${docker("port", id, "8000/tcp")}`;
  const answered = vi.waitFor(
    async () => expect((await fetch(`${url}/health`)).status).toBe(200),
    waitOptions,
  );
  return { id, url, answered };
}

const logOf = (id: string) =>
  execSync(`docker logs ${id} 2>&1`, { encoding: "utf8" }).trimEnd().split("\n");

describe("a container with a read-only root and no capabilities", () => {
  test("a restricted container responds, and prints only its log", async () => {
    const { id, url, answered } = start();
    await answered;

    const prediction = await fetch(`${url}/predict`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(exampleHouse),
    });

    expect(await prediction.json()).toEqual({ prediction: expect.any(Number) });
    for (const path of [
      ...["/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json"],
      ...["/playground", "/playground/uPlot.iife.min.js", "/playground/model.json"],
    ]) {
      expect(await fetch(`${url}${path}`)).toMatchObject({ status: 200 });
    }
    for (const line of logOf(id)) expect(JSON.parse(line)).toMatchObject({ level: 30 });
  });

  test("a restricted container exits on SIGTERM with status 0", async () => {
    const { id, answered } = start();
    await answered;

    docker("kill", "--signal=TERM", id);

    expect(docker("wait", id)).toBe("0");
  });

  test("a restricted container uses compiled code for all modules", async () => {
    const { id, answered } = start(
      "--env=NODE_DEBUG_NATIVE=COMPILE_CACHE",
      "--env=REDIS_URL=redis://localhost",
    );
    await answered;

    const readings = logOf(id).filter((line) => line.startsWith("[compile cache] reading "));
    expect(readings.length).toBeGreaterThan(100);
    expect(readings.filter((line) => !line.includes("... success"))).toEqual([]);
  });
});
