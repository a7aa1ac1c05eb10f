import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import type { Engine } from "../../src/model/engine.ts";
import { appUnderTest, firstFeatureEngine } from "../app-under-test.ts";
import { house } from "../house-model.ts";
import { openPlayground, shows, testInBrowser, useBrowser } from "./browser.ts";

useBrowser();

describe("a file", () => {
  const columns = Object.keys(house);
  const csv = (...rows: readonly Partial<Record<keyof typeof house, unknown>>[]) =>
    [columns, ...rows.map((row) => Object.values({ ...house, ...row }))]
      .map((cells) => `${cells.join(",")}\n`)
      .join("");
  const paste = async (page: Page, text: string) => {
    await page.getByLabel(/^Or paste rows/).fill(text);
    await page.getByRole("button", { name: "Predict these rows" }).click();
  };
  const cellsOf = (page: Page, row: number) =>
    page.locator("#file-table tbody tr").nth(row).locator("th, td").allTextContents();
  const downloadOf = async (page: Page) => {
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download as CSV" }).click();
    const done = await download;
    return { name: done.suggestedFilename(), text: await readFile(await done.path(), "utf8") };
  };

  /** Creates an engine that predicts the first feature, and does something else if it is 99. */
  function engineWith99(predict99: () => Promise<never>): Engine {
    const engine = firstFeatureEngine();
    const predict = (matrix: Float32Array) =>
      matrix.includes(99) ? predict99() : engine.predict(matrix);
    return { ...engine, predict };
  }

  testInBrowser("pasted rows are predicted and can be downloaded", async () => {
    const { page, faults } = await openPlayground(appUnderTest());
    await paste(page, csv({ MedInc: 2 }, { MedInc: 3 }));
    await shows(page, "#file-status", "2 of 2 rows: 2 predicted, 0 have errors.");
    expect((await cellsOf(page, 1)).slice(0, 2)).toEqual(["2", "3"]);
    expect((await cellsOf(page, 1)).at(-1)).toBe("300,000 USD");
    const { name, text } = await downloadOf(page);
    expect(name).toBe("houses-predicted.csv");
    const [head, first] = text.split("\r\n");
    expect(head).toBe(`${columns.join(",")},prediction,errors`);
    expect(first).toBe(`${Object.values({ ...house, MedInc: 2 }).join(",")},2,`);
    expect(faults).toEqual([]);
  });

  testInBrowser("errors are shown at their row and field, and in the download", async () => {
    const { page } = await openPlayground(appUnderTest());
    await paste(page, csv({}, { MedInc: -1, Latitude: "north" }, { HouseAge: "" }));
    await shows(page, "#file-status", "3 of 3 rows: 1 predicted, 2 have errors.");
    const invalid = await page.locator("#file-table td.invalid").allTextContents();
    const notNumber = "Input should be a valid number, unable to parse string as a number";
    expect(invalid).toEqual([
      "-1Input should be greater than 0",
      `north${notNumber}`,
      "Field required",
    ]);
    const { text } = await downloadOf(page);
    expect(text).toContain(`,"MedInc: Input should be greater than 0; Latitude: Input should be a`);
    await page.getByLabel("Only rows with errors").check();
    const rows = await page.locator("#file-table tbody th").allTextContents();
    expect(rows).toEqual(["2", "3"]);
  });

  testInBrowser("a chosen file with other columns is predicted without them", async () => {
    const { page } = await openPlayground(appUnderTest());
    const values = Object.values({ ...house, MedInc: 7 });
    const buffer = Buffer.from(`id;${columns.join(";")}\nA1;${values.join(";")}\n`);
    await page.getByLabel("Choose a file").setInputFiles({
      name: "houses.csv",
      mimeType: "text/csv",
      buffer,
    });
    await shows(page, "#file-table", "700,000 USD");
    expect((await cellsOf(page, 0)).slice(0, 3)).toEqual(["1", "A1", "7"]);
    expect((await downloadOf(page)).text).toMatch(/^id,MedInc,.*\r\nA1,7,.*,7,\r\n$/);
  });

  testInBrowser("a dropped file is predicted", async () => {
    const { page } = await openPlayground(appUnderTest());
    const transfer = await page.evaluateHandle(
      `(() => { const data = new DataTransfer(); data.items.add(new File([${JSON.stringify(csv({ MedInc: 6 }))}], "houses.csv")); return data; })()`,
    );
    await page.dispatchEvent("#drop", "dragover", { dataTransfer: transfer });
    expect(await page.locator("#drop").getAttribute("class")).toContain("over");
    await page.dispatchEvent("#drop", "drop", { dataTransfer: transfer });
    await shows(page, "#file-table", "600,000 USD");
    expect(await page.locator("#drop").getAttribute("class")).not.toContain("over");
  });

  testInBrowser("a long file is shown in pages", async () => {
    const { page } = await openPlayground(appUnderTest({ limits: { maxHouses: 10 } }));
    await paste(page, csv(...Array.from({ length: 32 }, (_, index) => ({ MedInc: index + 1 }))));
    await shows(page, "#file-status", "32 of 32 rows: 32 predicted");
    await shows(page, "#page-status", /^1 to 15 of 32$/);
    const [previous, next] = ["Previous", "Next"].map((name) => page.getByRole("button", { name }));
    expect(await previous?.isDisabled()).toBe(true);
    await next?.click();
    await next?.click();
    await shows(page, "#page-status", /^31 to 32 of 32$/);
    expect(await next?.isDisabled()).toBe(true);
    expect((await cellsOf(page, 1)).at(-1)).toBe("3,200,000 USD");
    await previous?.click();
    await shows(page, "#page-status", /^16 to 30 of 32$/);
  });

  testInBrowser(
    "predicting a file can be stopped, and its finished predictions are kept",
    async () => {
      const stuck = engineWith99(() => new Promise(() => {}));
      const app = appUnderTest({ engine: stuck, limits: { maxHouses: 2 } });
      const { page } = await openPlayground(app);
      await paste(page, csv({ MedInc: 1 }, { MedInc: 2 }, { MedInc: 99 }, { MedInc: 4 }));
      await shows(page, "#file-status", "2 of 4 rows…");
      expect(await page.locator("#file-progress").getAttribute("max")).toBe("4");
      await page.getByRole("button", { name: "Stop" }).click();
      await shows(page, "#file-status", "2 of 4 rows: 2 predicted, 0 have errors.");
      expect(await page.locator("#file-progress").isVisible()).toBe(false);
      expect((await downloadOf(page)).text.split("\r\n")[4]).toMatch(/,,$/);
    },
  );

  testInBrowser(
    "a text that is not a table of records is refused, and the page says why",
    async () => {
      const { page } = await openPlayground(appUnderTest());
      for (const [text, message] of [
        ["MedInc\n", "There are no rows."],
        [`${columns.join(",")}\n"1,2\n`, "The quote that begins in line 2"],
        ["MedInc,HouseAge\n1,2\n", "does not name these columns: AveRooms, "],
      ] as const) {
        await paste(page, text);
        await shows(page, "#file-error", message);
        expect(await page.locator("#file-results").isVisible()).toBe(false);
      }
    },
  );

  testInBrowser(
    "if the service fails, the page says so and keeps the finished predictions",
    async () => {
      const failing = engineWith99(() => Promise.reject(new Error("no memory")));
      const app = appUnderTest({ engine: failing, limits: { maxHouses: 1 } });
      const { page } = await openPlayground(app);
      await paste(page, csv({ MedInc: 1 }, { MedInc: 99 }));
      await shows(page, "#file-error", "Internal Server Error (status 500)");
      await shows(page, "#file-status", "1 of 2 rows: 1 predicted");
    },
  );
});
