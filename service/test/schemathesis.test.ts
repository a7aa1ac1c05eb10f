import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished } from "vitest";
import { z } from "zod";
import { testNeeding } from "../../test/prerequisite.ts";
import { hasPython, pythonEnvironment } from "../../test/python-environment.ts";
import { startService } from "./service-process.ts";

/** How many requests are generated for each operation and kind of data. */
const { SCHEMATHESIS_EXAMPLES = "60" } = process.env;

const packages = join(import.meta.dirname, "python-packages.txt");

const Properties = z.record(
  z.string(),
  z.looseObject({ exclusiveMinimum: z.literal(0).optional() }),
);
const Document = z.looseObject({
  paths: z.record(z.string(), z.looseObject({})),
  components: z.looseObject({
    schemas: z.looseObject({ House: z.looseObject({ properties: Properties }) }),
  }),
});

const exponent = "([eE][+-]?[0-9]{1,2})?";
const space = "[ \\t\\r\\n]{0,3}";
const numeric = `([0-9]{1,9}(\\.[0-9]{0,9})?|\\.[0-9]{1,9})${exponent}`;
const positive = `([0-9]{0,9}[1-9][0-9]{0,9}(\\.[0-9]{0,9})?|[0-9]{0,9}\\.[0-9]{0,9}[1-9][0-9]{0,9})${exponent}`;

/**
 * Returns the document of the service, in which a number may also be a boolean or a string, as in
 * pydantic's lax mode. The service accepts these so that no client breaks, but describes only the
 * number, as FastAPI does. Without this, `negative_data_rejection` would expect an error for `"3"`.
 */
async function laxDocument(url: string): Promise<z.infer<typeof Document>> {
  const document = Document.parse(await (await fetch(`${url}/openapi.json`)).json());
  const { properties } = document.components.schemas.House;
  for (const [name, number] of Object.entries(properties)) {
    const isPositive = number.exclusiveMinimum === 0;
    const pattern = isPositive
      ? `^${space}\\+?${positive}${space}$`
      : `^${space}[+-]?${numeric}${space}$`;
    const boolean = isPositive ? { const: true } : { type: "boolean" };
    properties[name] = { anyOf: [number, boolean, { type: "string", pattern }] };
  }
  return document;
}

/**
 * A JSON schema can't say which names a model's inputs have, nor that their data has the length that
 * their shape says, so a request that it describes can get 400.
 */
const settings = `
[[operations]]
include-path-regex = "/infer$"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404"]
`;

/** Runs all checks of schemathesis, with valid and invalid data. Returns what it prints. */
async function runSchemathesis(url: string, document: unknown, ...options: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "schemathesis-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "openapi.json"), JSON.stringify(document));
  writeFileSync(join(folder, "schemathesis.toml"), settings);
  const fixed = ["--checks=all", "--mode=all", "--seed=1", "--generation-database=none"];
  const child = spawn(
    join(pythonEnvironment("schemathesis", packages), "schemathesis"),
    [
      ...["--no-color", "run", "openapi.json", `--url=${url}`, ...fixed, "--continue-on-failure"],
      ...[`--max-examples=${SCHEMATHESIS_EXAMPLES}`, ...options],
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  onTestFinished(() => void child.kill());
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk) => output.push(chunk));
  child.stderr.on("data", (chunk) => output.push(chunk));
  const [status] = await once(child, "close");
  return { status, output: Buffer.concat(output).toString() };
}

const timeoutMs = 600_000;

describe("schemathesis", () => {
  beforeAll(() => {
    if (hasPython) pythonEnvironment("schemathesis", packages);
  }, timeoutMs);

  const test = testNeeding(hasPython);

  test(
    "schemathesis finds no difference between the service and its OpenAPI document",
    async () => {
      const service = startService();
      const url = `http://127.0.0.1:${await service.port()}`;
      const document = await laxDocument(url);
      const { status, output } = await runSchemathesis(url, document);
      const operations = Object.values(document.paths).flatMap(Object.keys);
      expect(output).toMatch(`  Tested: ${operations.length}\n`);
      expect([status, output]).toEqual([0, output]);
    },
    timeoutMs,
  );

  test(
    "schemathesis finds no endpoint that ignores API tokens",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "tokens-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const token = "a-token-for-schemathesis";
      writeFileSync(join(folder, "tokens"), token);
      const service = startService({ API_TOKENS_FILE: join(folder, "tokens") });
      const url = `http://127.0.0.1:${await service.port()}`;
      const options = [`--header=Authorization:Bearer ${token}`];
      const { status, output } = await runSchemathesis(url, await laxDocument(url), ...options);
      expect([status, output]).toEqual([0, output]);
      expect(service.log.some(({ status }) => status === 401)).toBe(true);
    },
    timeoutMs,
  );
});
