import { describe, expect } from "vitest";
import { hasBrowser } from "../../../test/browser.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { copyWithCard, flats, hasPythonModels } from "../../../test/python-models.ts";
import { waitOptions } from "../../../test/wait-options.ts";
import { appUnderTest } from "../app-under-test.ts";
import { house, houseCard, modelPath } from "../house-model.ts";
import { appOf, temporaryFolder } from "../model-under-test.ts";
import {
  accessibilityViolations,
  errorOf,
  fieldOf,
  openPlayground,
  predictionOf,
  shows,
  testInBrowser,
  useBrowser,
} from "./browser.ts";

useBrowser();

describe("accessibility of the playground", () => {
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

  testInBrowser.each([
    ["light", "on a large screen", {}],
    ["dark", "on a large screen", {}],
    ["light", "on a phone", phone],
    ["dark", "on a phone", phone],
  ] as const)(
    "axe-core finds no violation on a %s page %s, with results and errors",
    async (colorScheme, _, options) => {
      const { page } = await openPlayground(await appOf(modelPath), { ...options, colorScheme });
      await page.locator("#contributions canvas").waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
      const rows = [
        Object.keys(house),
        Object.values({ ...house, MedInc: -1 }),
        Object.values(house),
      ];
      await page.getByLabel(/^Or paste rows/).fill(rows.map((row) => row.join(",")).join("\n"));
      await page.getByRole("button", { name: "Predict these rows" }).click();
      await shows(page, "#file-status", "1 predicted, 1 has errors");
      await fieldOf(page, "Median income").fill("-1");
      await errorOf(page, "Median income").filter({ hasText: "greater than 0" }).waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
    },
  );

  testNeeding(hasPythonModels && hasBrowser)(
    "axe-core finds no violation on the page of flats-mixed, light and dark",
    async () => {
      const path = copyWithCard(flats, "rent", temporaryFolder());
      const { page } = await openPlayground(await appOf(path));
      await predictionOf(page).waitFor();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await accessibilityViolations(page)).toEqual([]);
      }
    },
  );

  testInBrowser("axe-core finds no violation in the token dialog", async () => {
    const groups = new Set(["api"] as const);
    const app = appUnderTest({ access: { groups, tokens: { has: () => false } } });
    const { page } = await openPlayground(app);
    await page.getByRole("dialog").waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
  });

  testInBrowser("the keyboard reaches every control, in the order of the page", async () => {
    const { page } = await openPlayground(appUnderTest());
    const reached: string[] = [];
    for (let step = 0; step < 40; step++) {
      await page.keyboard.press("Tab");
      reached.push(
        await page.evaluate<string>(
          "document.activeElement.id || document.activeElement.className",
        ),
      );
    }
    const inputs = houseCard.features.map((_, index) => `feature-${index}`);
    const expected = ["skip-link", "reset", ...inputs, "file", "paste"];
    expect([...new Set(reached.filter((id) => expected.includes(id)))]).toEqual(expected);
  });

  testInBrowser("charts are drawn again in other colors when the page becomes dark", async () => {
    const { page } = await openPlayground(await appOf(modelPath), { colorScheme: "light" });
    const canvases = ".distribution canvas, #contributions canvas";
    await page.locator("#contributions canvas").waitFor();
    const pictures = () =>
      page.evaluate<string[]>(
        `[...document.querySelectorAll(${JSON.stringify(canvases)})].map((canvas) => canvas.toDataURL())`,
      );
    const light = await pictures();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect
      .poll(async () => (await pictures()).filter((each) => light.includes(each)), waitOptions)
      .toEqual([]);
    expect(light).toHaveLength(houseCard.features.length + 1);
  });

  testInBrowser(
    "on a phone, the page does not scroll sideways, and the prediction stays visible",
    async () => {
      const { page } = await openPlayground(await appOf(modelPath), phone);
      await page.locator("#contributions canvas").waitFor();
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect(width).toBe(phone.viewport.width);
      await fieldOf(page, "Longitude").scrollIntoViewIfNeeded();
      const box = await predictionOf(page).boundingBox();
      expect(box?.y).toBeGreaterThanOrEqual(0);
      expect(box?.y).toBeLessThan(phone.viewport.height / 2);
    },
  );
});
