import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withMetricTables } from "../scripts/metrics-page.ts";
import { metricTable } from "../service/src/telemetry/metric-table.ts";
import { hasBrowser, launchBrowser } from "./browser.ts";
import { testNeeding } from "./prerequisite.ts";

const root = join(import.meta.dirname, "..");
const textOf = (path: string) => readFileSync(join(root, path), "utf8");
const documents = globSync(["*.md", "docs/*.md"], { cwd: root }).map((name) => ({
  name,
  text: textOf(name),
}));

describe("links", () => {
  const links = documents.flatMap(({ name, text }) =>
    Array.from(text.matchAll(/\]\((?!https?:)([^)]+)/g), ([, target = ""]) => ({ name, target })),
  );

  test.for(links)("the link in $name to $target works", ({ name, target }) => {
    const [path = "", fragment] = target.split("#");
    const file = path === "" ? name : join(dirname(name), path);
    expect(existsSync(join(root, file))).toBe(true);
    if (fragment === undefined) return;
    const headings = Array.from(textOf(file).matchAll(/^#+ (.+)$/gm), ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );
    expect(headings).toContain(fragment);
  });
});

/** Returns the cells of all table rows in a text. */
function rowsOf(text: string): string[][] {
  return Array.from(text.matchAll(/^\| (.+) \|$/gm), ([, row = ""]) => row.split(" | "));
}

test("docs/architecture.md names each file and folder of service/src", () => {
  const [, service = ""] =
    /^## The service$([\s\S]*?)^### /m.exec(textOf("docs/architecture.md")) ?? [];
  const paths = rowsOf(service).flatMap(([path = ""]) =>
    Array.from(path.matchAll(/`([^`]+)`/g), ([, name = ""]) => name.replace("/", "")),
  );
  expect(paths.sort()).toEqual(globSync("*", { cwd: join(root, "service/src") }).sort());
});

const inArchitecture = Array.from(
  textOf("docs/architecture.md").matchAll(/`([\w/-]+\.ts)`/g),
  ([, path = ""]) => path,
);

test.for(inArchitecture)("%s in docs/architecture.md exists", (path) => {
  expect(globSync([path, `service/src/**/${path}`], { cwd: root })).not.toEqual([]);
});

test("docs/model.md has the figures and the features of the model card", () => {
  const { metrics, features } = JSON.parse(textOf("model/california-housing.json"));
  const rows = rowsOf(textOf("docs/model.md"));
  for (const [name, part] of [
    ["training rows", metrics.train],
    ["held-out rows", metrics.test],
  ]) {
    const figures = [part.r2, part.rmse, part.mae].map((figure: number) => figure.toFixed(4));
    expect(rows.find(([first]) => first === name)?.slice(1, 4)).toEqual(figures);
  }
  for (const { name, unit } of features) expect(rows).toContainEqual([`\`${name}\``, unit]);
});

test("docs/metrics.md has all metrics of the table: pnpm metrics writes them", () => {
  const page = textOf("docs/metrics.md");
  expect(withMetricTables(page)).toBe(page);
});

test("docs/metrics.md mentions only metrics that exist", () => {
  const mentioned = textOf("docs/metrics.md").matchAll(
    /\b(?:http|prediction|nodejs|process)_[a-z_]+\b/g,
  );
  const names = new Set(Array.from(mentioned, ([name]) => name));
  expect(Array.from(names).filter((name) => !(name in metricTable))).toEqual([]);
});

test("the newest version in CHANGELOG.md is that of the service", () => {
  const [, newest] = /^## (\d+\.\d+\.\d+) /m.exec(textOf("CHANGELOG.md")) ?? [];
  expect(newest).toBe(JSON.parse(textOf("service/package.json")).version);
});

test("docs/moving-from-fastapi.md has the number of recorded exchanges", () => {
  const { length } = JSON.parse(textOf("service/test/corpus/fastapi.json"));
  expect(textOf("docs/moving-from-fastapi.md")).toContain(`contains ${length} exchanges`);
});

describe("docs/troubleshooting.md", () => {
  // Messages that the code composes are complete only in the tests of the service.
  const files = ["run.sh", "service/{src,test}/**/*.ts", "infra/*.ts", "scripts/*.sh"];
  const exclude = ["**/node_modules/**"];
  const sources = globSync(files, { cwd: root, exclude }).map(textOf).join("\n");
  const rows = rowsOf(textOf("docs/troubleshooting.md"));
  const messages = rows.flatMap(([sign = ""]) =>
    Array.from(sign.matchAll(/`([^`]+)`/g), ([, message = ""]) => message),
  );
  /** Messages of Kubernetes. */
  const foreign = ["<pending>"];

  test.for(messages.filter((message) => !foreign.includes(message)))(
    "the message %s in docs/troubleshooting.md exists",
    (message) => {
      const parts = message.split(/…|: /).map((part) => part.trim());
      expect(parts.filter((part) => !sources.includes(part))).toEqual([]);
    },
  );
});

/** Each line of the documents' shell commands, without quoted text. */
const unquotedCommands = documents.flatMap(({ name, text }) =>
  Array.from(text.matchAll(/```(sh|console)\n([\s\S]*?)```/g)).flatMap(([, language, block = ""]) =>
    block
      .split("\n")
      .filter((line) => language === "sh" || line.startsWith("$ "))
      .map((line) => ({ name, line: line.replace(/'[^']*'|"[^"]*"/g, "") })),
  ),
);

// zsh expands these in other ways than bash, and has no comments on its command line.
test("the commands in the documents have no unquoted ?, *, [, =, #, ~ or <", () => {
  expect(unquotedCommands.length).toBeGreaterThan(50);
  const differs = /[?*[\]#~<]|(?:^|\s)=/;
  expect(unquotedCommands.filter(({ line }) => differs.test(line))).toEqual([]);
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
  let browser: Browser | undefined;
  let page: Page;

  beforeAll(async () => {
    if (!hasBrowser) return;
    browser = await launchBrowser();
    page = await browser.newPage();
    const script = createRequire(import.meta.url).resolve("mermaid/dist/mermaid.min.js");
    await page.addScriptTag({ path: script });
  });
  afterAll(() => browser?.close());

  test("the documents contain diagrams", () => {
    expect(diagrams.length).toBeGreaterThanOrEqual(3);
  });

  testNeeding(hasBrowser).for(diagrams)("$title can be drawn", async ({ source }) => {
    const svg = await page.evaluate(
      `mermaid.render("diagram", ${JSON.stringify(source)}).then(({ svg }) => svg)`,
    );
    expect(svg).toContain("<svg");
  });
});
