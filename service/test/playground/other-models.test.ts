import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { operatorModel } from "../../../model/test/small-models.ts";
import { hasBrowser } from "../../../test/browser.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import {
  copyWithCard,
  expectedOf,
  flats,
  hasPythonModels,
  pythonModels,
} from "../../../test/python-models.ts";
import { appOf, appOfModel, predictOne, temporaryFolder } from "../model-under-test.ts";
import {
  errorOf,
  fieldOf,
  openPlayground,
  predictionOf,
  shows,
  testInBrowser,
  useBrowser,
} from "./browser.ts";

useBrowser();

describe("other models", () => {
  testInBrowser("booleans are check boxes and categories are lists", async () => {
    const app = await appOfModel(operatorModel("Identity", { columns: 2 }), {
      features: [
        { name: "lift", type: "boolean", example: true, shares: { false: 0.25, true: 0.75 } },
        {
          name: "district",
          type: "category",
          categories: ["Nord", "Süd"],
          example: "Süd",
          shares: { Nord: 0.4, Süd: 0.6 },
        },
      ],
    });
    const { page, faults } = await openPlayground(app);
    const values = page.locator("#prediction td");
    expect(await fieldOf(page, "lift").isChecked()).toBe(true);
    expect(await values.allTextContents()).toEqual(["1", "", "1", ""]);
    await shows(page, ".scale", "75% of the records in the training rows");
    await fieldOf(page, "lift").uncheck();
    await fieldOf(page, "district").selectOption("Nord");
    await shows(page, ".scale", "40% of the records in the training rows");
    await page.locator("#prediction tr", { hasText: "Output 2" }).getByText("0").waitFor();
    expect(await values.allTextContents()).toEqual(["0", "", "0", ""]);
    expect(faults).toEqual([]);
  });

  testInBrowser("a prediction that is not finite is shown as such", async () => {
    const app = await appOfModel(operatorModel("Sqrt"), { features: [{ name: "x", example: 4 }] });
    const { page } = await openPlayground(app);
    await shows(page, "#prediction .value", /^2$/);
    await fieldOf(page, "x").fill("-1");
    await shows(page, "#prediction .value", "not finite");
  });

  testInBrowser("an empty cell is a category if the model has an empty one", async () => {
    const features = [
      { name: "x", example: 1 },
      { name: "kind", type: "category", categories: ["", "a"], example: "a" },
    ];
    const onnx = operatorModel("Identity", { columns: 2 });
    const { page } = await openPlayground(await appOfModel(onnx, { features }));
    await page.getByLabel(/^Or paste rows/).fill("kind,x\n,3\na,\n");
    await page.getByRole("button", { name: "Predict these rows" }).click();
    await shows(page, "#file-status", "1 predicted, 1 has errors");
    await shows(page, "#file-table tr", "3, 0");
    await shows(page, "#file-table tr", "Field required");
  });

  testInBrowser(
    "features can have unusual names, and need neither unit nor distribution",
    async () => {
      const names = ["__proto__", "constructor", "a,b", 'say "<b>hi</b>"', "2", "10"];
      const features = names.map((name, index) => ({ name, example: index + 0.5 }));
      const onnx = operatorModel("Identity", { columns: names.length });
      const { page, faults } = await openPlayground(await appOfModel(onnx, { features }));
      expect(await page.locator(".field label").allTextContents()).toEqual(names);
      const values = await page.locator("#prediction tr td:first-of-type").allTextContents();
      expect(values).toEqual(names.map((_, index) => String(index + 0.5)));
      await fieldOf(page, "__proto__").fill("");
      await errorOf(page, "__proto__").filter({ hasText: "Field required" }).waitFor();
      expect(faults).toEqual([]);
    },
  );

  testNeeding(hasPythonModels && hasBrowser)(
    "each control of flats-mixed, a scikit-learn model, changes the predicted record",
    async () => {
      const app = await appOf(copyWithCard(flats, "rent", temporaryFolder()));
      const { page, faults } = await openPlayground(app);
      await shows(page, "h1", "Flats mixed");
      await predictionOf(page).waitFor();
      /** Waits until a record with this value is sent. */
      const sends = (name: string, value: unknown) =>
        page.waitForRequest(
          (request) => Object(JSON.parse(request.postData() ?? "{}"))[name] === value,
        );
      const controls: [name: string, value: unknown, act: () => Promise<unknown>][] = [
        ["district", "Nord", () => fieldOf(page, "district").selectOption("Nord")],
        ["rooms", 2, () => fieldOf(page, "rooms").fill("2")],
        ["rooms", 6, () => fieldOf(page, "rooms, slider").press("End")],
        ["area m2", 150.5, () => fieldOf(page, "area m2").fill("150.5")],
        ["area m2", 25, () => fieldOf(page, "area m2, slider").press("Home")],
        ["lift", 0, () => fieldOf(page, "lift").fill("0")],
        ["lift", 1, () => fieldOf(page, "lift, slider").press("ArrowRight")],
        ["year", 1947, () => fieldOf(page, "year, slider").press("ArrowRight")],
      ];
      for (const [name, value, act] of controls) {
        const sent = sends(name, value);
        await act();
        await sent;
      }
      const record = { district: "Nord", rooms: 6, "area m2": 25, lift: 1, year: 1947 };
      await shows(page, "#prediction .hint", String(await predictOne(app, record)));
      await fieldOf(page, "rooms").fill("2.5");
      await errorOf(page, "rooms").filter({ hasText: "Input should be a valid integer" }).waitFor();
      expect(faults).toEqual([]);
    },
  );

  testNeeding(hasPythonModels && hasBrowser)(
    "the training rows of flats-mixed get the same predictions as in Python",
    async () => {
      const path = copyWithCard(flats, "rent", temporaryFolder());
      const { page } = await openPlayground(await appOf(path));
      const file = join(pythonModels, "flats-mixed.csv");
      await page.getByLabel("Choose a file").setInputFiles(file);
      await shows(page, "#file-status", "400 of 400 rows: 400 predicted, 0 have errors.");
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download as CSV" }).click();
      const text = await readFile(await (await download).path(), "utf8");
      const column = text.split("\r\n").map((line) => line.split(",").at(-2));
      const { predictions } = expectedOf(flats);
      const expected = predictions.map(([value]) => String(value));
      expect(column.slice(0, expected.length + 1)).toEqual(["prediction", ...expected]);
    },
  );
});
