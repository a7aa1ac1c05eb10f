import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { launchBrowser } from "./browser.ts";
import { startLocalService } from "./local-service.ts";
import { copyWithCard, flats } from "./python-models.ts";

const docs = join(import.meta.dirname, "../docs");
const folder = mkdtempSync(join(tmpdir(), "playground-"));
const flatsModel = { MODEL_PATH: copyWithCard(flats, "rent", folder) };

const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true };

/** Rows of the flats, two of them invalid. */
const flatRows = `district,rooms,area m2,lift,year
hafen,4,40.3,1,1946
west,3.5,73.1,0,1980
Nord,5,98.4,,1977
old town,2,73.6,1,1904
`;

const pictures = [
  { name: "playground.png", settings: {}, options: desktop, rows: undefined },
  {
    name: "playground-flats.png",
    settings: flatsModel,
    options: { ...desktop, colorScheme: "dark" as const },
    rows: flatRows,
  },
  { name: "playground-phone.png", settings: {}, options: phone, rows: undefined },
];

const browser = await launchBrowser("--hide-scrollbars");
for (const { name, settings, options, rows } of pictures) {
  const service = await startLocalService(settings);
  const page = await browser.newPage(options);
  await page.goto(service.here("http://127.0.0.1:8000/playground"));
  // The second time, the service is warm.
  await page.waitForLoadState("networkidle");
  await page.reload();
  await page.locator("#prediction > *").first().waitFor();
  if (rows !== undefined) {
    await page.getByLabel(/^Or paste rows/).fill(rows);
    await page.getByRole("button", { name: "Predict these rows" }).click();
    await page.locator("#download:enabled").waitFor();
    await page.evaluate("scrollTo(0, 0)");
    await page.mouse.move(0, 0);
  }
  await page.waitForLoadState("networkidle");
  await page.screenshot({
    path: join(docs, name),
    fullPage: options === desktop || rows !== undefined,
  });
  await page.close();
  service.stop();
}
await browser.close();
rmSync(folder, { recursive: true });
