import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");

const License = z.union([
  z.object({ license: z.object({ id: z.string() }) }).transform(({ license }) => license.id),
  z.object({ expression: z.string() }).transform(({ expression }) => expression),
]);
const Sbom = z.object({
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.string(),
  metadata: z.object({
    component: z.object({ type: z.literal("application"), version: z.string() }),
  }),
  components: z.array(
    z.object({
      purl: z.string().regex(/^pkg:npm\/.+@\d/),
      licenses: z.array(License).min(1),
      externalReferences: z.array(z.object({ hashes: z.array(z.unknown()).optional() })),
    }),
  ),
});
const Manifest = z.object({
  version: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
});

const manifestOf = (path: string) =>
  Manifest.parse(JSON.parse(readFileSync(join(root, path), "utf8")));
const service = manifestOf("service/package.json");

const folder = mkdtempSync(join(tmpdir(), "sbom-"));
afterAll(() => rmSync(folder, { recursive: true }));

let sbom: z.infer<typeof Sbom>;
let names: string[] = [];

beforeAll(() => {
  execFileSync(join(root, "run.sh"), ["sbom", folder], { stdio: "pipe" });
  sbom = Sbom.parse(JSON.parse(readFileSync(join(folder, "sbom.cdx.json"), "utf8")));
  names = sbom.components.map(({ purl }) =>
    decodeURIComponent(purl).replace(/^pkg:npm\/(.+)@.*$/, "$1"),
  );
});

test("run.sh sbom lists each package that the service needs, with its digest, and no other", () => {
  expect(sbom.metadata.component.version).toBe(service.version);
  const { dependencies = {}, devDependencies = {} } = service;
  expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  const others = { ...devDependencies, ...manifestOf("package.json").devDependencies };
  expect(names.filter((name) => name in others)).toEqual([]);
  for (const { purl, externalReferences } of sbom.components) {
    const hashes = externalReferences.flatMap(({ hashes = [] }) => hashes);
    expect([purl, hashes]).toEqual([purl, [{ alg: "SHA-512", content: expect.any(String) }]]);
  }
});

test("each package of the service has a license that allows any use", () => {
  const allowed = new Set([
    ...["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"],
    "(MIT OR CC0-1.0)",
  ]);
  const others = sbom.components.filter(({ licenses }) => !licenses.every((id) => allowed.has(id)));
  expect(others).toEqual([]);
});

test("run.sh sbom also lists the licenses for people to read", () => {
  const text = readFileSync(join(folder, "licenses.txt"), "utf8");
  for (const name of names) expect(text).toContain(` ${name} `);
});
