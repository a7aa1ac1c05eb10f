import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBrowser } from "./browser.ts";
import { testNeeding } from "./prerequisite.ts";

const root = join(import.meta.dirname, "..");
const documents = [...globSync("*.md", { cwd: root }), ...globSync("docs/*.md", { cwd: root })].map(
  (name) => ({ name, text: readFileSync(join(root, name), "utf8") }),
);

describe("links", () => {
  const links = documents.flatMap(({ name, text }) =>
    Array.from(text.matchAll(/\]\((?!https?:)([^)#]+)/g), ([, target = ""]) => ({ name, target })),
  );

  test.for(links)("the link in $name to $target has a target", ({ name, target }) => {
    expect(existsSync(join(root, dirname(name), target))).toBe(true);
  });
});

test("the commands to use Pulumi by hand write no salt into a file that git tracks", () => {
  const operations = documents.find(({ name }) => name === "docs/operations.md")?.text ?? "";
  const [, commands = ""] = /## Pulumi by hand[\s\S]*?```sh\n([\s\S]*?)```/.exec(operations) ?? [];
  const [, stack = ""] = /^pulumi stack init (\S+)$/m.exec(commands) ?? [];

  expect(commands).toContain("pnpm install\n");
  expect(commands).toMatch(/^export PULUMI_CONFIG_PASSPHRASE=/m);
  expect(commands).toContain(`pulumi up --stack ${stack}\n`);
  const { status } = spawnSync("git", ["check-ignore", `Pulumi.${stack}.yaml`], { cwd: root });
  expect(status).toBe(0);
});

describe("diagrams", () => {
  const diagrams = documents.flatMap(({ name, text }) =>
    Array.from(text.matchAll(/```mermaid\n([\s\S]*?)```/g), ([, source = ""], index) => ({
      title: `${name}, diagram ${index + 1}`,
      source,
    })),
  );
  const browserPath = findBrowser();
  let browser: Browser | undefined;
  let page: Page;

  beforeAll(async () => {
    if (browserPath === undefined) return;
    browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
    page = await browser.newPage();
    const script = createRequire(import.meta.url).resolve("mermaid/dist/mermaid.min.js");
    await page.addScriptTag({ path: script });
  });
  afterAll(() => browser?.close());

  test("the documents contain diagrams", () => {
    expect(diagrams.length).toBeGreaterThanOrEqual(3);
  });

  testNeeding(browserPath !== undefined).for(diagrams)(
    "$title can be drawn",
    async ({ source }) => {
      const svg = await page.evaluate(
        `mermaid.render("diagram", ${JSON.stringify(source)}).then(({ svg }) => svg)`,
      );
      expect(svg).toContain("<svg");
    },
  );
});
