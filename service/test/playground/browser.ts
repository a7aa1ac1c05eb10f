import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { z } from "zod";
import { hasBrowser, launchBrowser } from "../../../test/browser.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { waitOptions } from "../../../test/wait-options.ts";
import type { App } from "../../src/app.ts";
import { serve } from "../app-under-test.ts";

/** `test` for tests that need Chromium. */
export const testInBrowser = testNeeding(hasBrowser);

let browser: Browser | undefined;

/** Starts Chromium before the tests of a file, and stops it after them. */
export function useBrowser(): void {
  beforeAll(async () => {
    if (hasBrowser) browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
}

/** The number of a prediction. */
export const predictionOf = (page: Page) => page.locator("#prediction .value");

/** The control with a label. */
export const fieldOf = (page: Page, label: string) => page.getByLabel(label, { exact: true });

/** The error at the field of a feature. */
export const errorOf = (page: Page, title: string) =>
  page.locator(".field", { has: fieldOf(page, title) }).locator(".error");

/** Waits until an element has a text. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).waitFor();
}

/** A page in Chromium. */
export interface OpenPage {
  readonly page: Page;
  /** Errors of scripts, violations of the content security policy, requests to other hosts. */
  readonly faults: readonly string[];
}

/** Opens the playground of an app, and waits for the first prediction. */
export async function openPlayground(
  app: App,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  if (browser === undefined) throw new Error("Chromium does not run");
  const port = await serve(app);
  const context = await browser.newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(waitOptions.timeout);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    const { url } = message.location();
    // The page shows error responses of the API.
    const isResponse = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !(isResponse && !url.includes("/playground"))) {
      faults.push(message.text());
    }
  });
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    const isLocal = protocol === "data:" || protocol === "blob:" || hostname === "127.0.0.1";
    if (!isLocal) faults.push(request.url());
  });
  await page.goto(`http://127.0.0.1:${port}/playground`);
  // The response to /explain may arrive first.
  await page.locator("#requests tbody tr", { hasText: "/predict" }).first().waitFor();
  return { page, faults };
}

const Violations = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
});

/** Returns what axe-core reports about the page. */
export async function accessibilityViolations(page: Page) {
  await page.evaluate(axe.source);
  return Violations.parse(await page.evaluate("axe.run(document)")).violations;
}
