import { readFile } from "node:fs/promises";
import { describe, expect } from "vitest";
import { operatorModel } from "../../../model/test/small-models.ts";
import { hasBrowser } from "../../../test/browser.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { copyWithCard, hasPythonModels } from "../../../test/python-models.ts";
import { formatDifference, formatQuantity } from "../../src/playground/page/format.js";
import { appUnderTest, post } from "../app-under-test.ts";
import { house, houseCard, modelPath } from "../house-model.ts";
import { appOf, appOfModel, temporaryFolder } from "../model-under-test.ts";
import { appWithLocations } from "./app-with-locations.ts";
import {
  fieldOf,
  openPlayground,
  predictionOf,
  shows,
  testInBrowser,
  useBrowser,
} from "./browser.ts";

useBrowser();

describe("intervals, ranges and contributions", () => {
  testInBrowser("the interval of a prediction is shown in the target's unit", async () => {
    const app = await appOf(modelPath);
    const { page } = await openPlayground(app);
    const response = await post(app, "/predict?interval=0.9", { ...house, MedInc: 4 });
    const { interval } = Object(await response.json());
    const [low, high] = interval.map((end: number) => formatQuantity(end, houseCard.target.unit));
    await fieldOf(page, "Median income").fill("4");
    await shows(page, "#prediction .interval", `90% interval: ${low} to ${high}`);
  });

  testInBrowser(
    "the rows of a file have their intervals, in the table and in the download",
    async () => {
      const app = await appOf(modelPath);
      const { page } = await openPlayground(app);
      const houses = [house, { ...house, MedInc: 4 }];
      const response = await post(app, "/bulk_predict?interval=0.9", { houses });
      const { predictions, intervals } = Object(await response.json());
      const rows = [Object.keys(house), ...houses.map((each) => Object.values(each))];
      await page.getByLabel(/^Or paste rows/).fill(rows.map((row) => row.join(",")).join("\n"));
      await page.getByRole("button", { name: "Predict these rows" }).click();
      await shows(page, "#file-status", "2 predicted");
      const [low, high] = intervals[1].map((end: number) =>
        formatQuantity(end, houseCard.target.unit),
      );
      await shows(page, "#file-table tbody tr:last-child", `(${low} to ${high})`);
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download as CSV" }).click();
      const text = await readFile(await (await download).path(), "utf8");
      const lines = text.split("\r\n").map((line) => line.split(",").slice(8).join());
      expect(lines.slice(0, 3)).toEqual([
        "prediction,prediction low,prediction high,errors",
        `${predictions[0]},${intervals[0]},`,
        `${predictions[1]},${intervals[1]},`,
      ]);
    },
  );

  testInBrowser("the page does not request intervals from a model without them", async () => {
    const { page } = await openPlayground(appUnderTest());
    const request = page.waitForRequest((sent) => sent.url().includes("predict"));
    await fieldOf(page, "Median income").fill("4");
    expect((await request).url()).toMatch(/\/predict$/);
    await shows(page, "#prediction .value", "400,000 USD");
    expect(await page.locator("#prediction .interval").count()).toBe(0);
  });

  testInBrowser("features outside the range of the training rows are marked", async () => {
    const { page } = await openPlayground(appUnderTest());
    const marks = page.locator(".mark:visible");
    expect(await marks.count()).toBe(0);
    await fieldOf(page, "Average rooms").fill("200");
    await marks.first().waitFor();
    expect(await marks.allTextContents()).toEqual([
      "Outside the range of the training rows, 0.8889 to 141.9",
    ]);
    await fieldOf(page, "Average rooms").fill("6");
    await marks.first().waitFor({ state: "detached" });
  });

  testInBrowser("a feature with any name can be marked as out of range", async () => {
    const names = ["a, b", "50 %", "größe"];
    const features = names.map((name) => ({ name, minimum: 0, maximum: 1, example: 0.5 }));
    const onnx = operatorModel("Identity", { columns: names.length });
    const { page } = await openPlayground(await appOfModel(onnx, { features }));
    for (const name of names) await fieldOf(page, name).fill("2");
    await page.locator(".mark:visible").nth(2).waitFor();
  });

  testInBrowser(
    "the contributions of the features lead from the average to the prediction",
    async () => {
      const app = await appOf(modelPath);
      const { page, faults } = await openPlayground(app);
      await page.locator("#contributions canvas").waitFor();
      const { unit } = houseCard.target;
      const explanation = Object(await (await post(app, "/explain", house)).json());
      const expected = [
        `Average${formatQuantity(explanation.baseline, unit)}`,
        ...houseCard.features.map(
          ({ name, title }) => `${title}${formatDifference(explanation.contributions[name], unit)}`,
        ),
        `Prediction${formatQuantity(explanation.prediction, unit)}`,
      ];
      expect(await page.locator("#contributions tr").allTextContents()).toEqual(expected);
      await fieldOf(page, "Median income").fill("2");
      await page
        .locator("#contributions tr")
        .last()
        .filter({ hasNotText: expected.at(-1) ?? "" })
        .waitFor();
      await shows(
        page,
        "#contributions tr:last-child",
        (await predictionOf(page).textContent()) ?? "",
      );
      expect(faults).toEqual([]);
    },
  );

  testInBrowser("an invalid record has no contributions", async () => {
    const { page } = await openPlayground(await appOf(modelPath));
    await page.locator("#contributions canvas").waitFor();
    await fieldOf(page, "Median income").fill("-1");
    await page.locator("#contributions canvas").waitFor({ state: "detached" });
    expect(await page.locator("#contributions-message").isVisible()).toBe(false);
  });

  testInBrowser("if the model cannot be explained, the page says why, and asks once", async () => {
    const features = [{ name: "x", example: 1 }];
    const { page } = await openPlayground(await appOfModel(operatorModel("Neg"), { features }));
    await shows(page, "#contributions-message", "cannot be explained");
    const paths: string[] = [];
    page.on("request", (request) => paths.push(new URL(request.url()).pathname));
    await fieldOf(page, "x").fill("2");
    await shows(page, "#prediction .value", "−2");
    expect(paths).toEqual(["/predict"]);
  });

  testNeeding(hasPythonModels && hasBrowser)(
    "if there are several outputs, the page explains the largest one or the chosen one",
    async () => {
      const cancer = {
        name: "cancer-xgboost-classifier",
        record: { singular: "patient", plural: "patients" },
      };
      const app = await appOf(copyWithCard(cancer, "target", temporaryFolder()));
      const { page } = await openPlayground(app);
      const total = page.locator("#contributions tr").last();
      const select = page.getByLabel("Explained output");
      await total.waitFor();
      expect(await page.locator("#prediction tr").allTextContents()).toEqual([
        expect.stringMatching(/^00\.9/),
        expect.stringMatching(/^10\.0/),
      ]);
      expect(await select.inputValue()).toBe("0");
      expect(await total.textContent()).toMatch(/^Score[\d.]+$/);
      await select.selectOption("1");
      expect(await total.textContent()).toMatch(/^Score−[\d.]+$/);
    },
  );
});

describe("the map", () => {
  const locations = {
    latitude: "Latitude",
    longitude: "Longitude",
    cellDegrees: 0.1,
    cells: [
      [32.5, -124.4, 0.5, 10],
      [37.8, -122.3, 3.5, 295],
      [41.9, -114.2, 1, 7],
    ],
  };
  const withMap = () => appWithLocations(JSON.stringify(locations)).app;

  testInBrowser("the map says what is at the location of the record", async () => {
    const { page, faults } = await openPlayground(withMap());
    await fieldOf(page, "Latitude").fill("37.88");
    await fieldOf(page, "Longitude").fill("-122.23");
    const caption =
      "Latitude 37.88°, longitude −122.23°: 350,000 USD on average, 295 training rows";
    await shows(page, ".map-caption", caption);
    const label = await page.locator(".map-canvas").getAttribute("aria-label");
    expect(label).toContain(caption);
    await fieldOf(page, "Longitude").fill("-60");
    await shows(page, ".map-caption", "no training rows");
    expect(faults).toEqual([]);
  });

  testInBrowser("a click on the map sets the location, and the record is predicted", async () => {
    const { page } = await openPlayground(withMap());
    const plot = page.locator(".map-canvas .u-over");
    const { width = 0, height = 0 } = (await plot.boundingBox()) ?? {};
    const request = page.waitForRequest("**/predict*");
    await plot.click({ position: { x: width / 2, y: height / 2 } });
    const record = JSON.parse((await request).postData() ?? "");
    expect(record.Latitude).toBeCloseTo((32.4 + 42.1) / 2, 1);
    expect(record.Longitude).toBeCloseTo((-124.5 - 114) / 2, 1);
    expect(await fieldOf(page, "Latitude").inputValue()).toBe(String(record.Latitude));
    expect(await fieldOf(page, "Longitude").inputValue()).toBe(String(record.Longitude));
    await shows(page, ".map-caption", "no training rows");
  });

  testInBrowser("a model without locations has no map", async () => {
    const { page } = await openPlayground(appUnderTest());
    expect(await page.locator("#map-panel").isVisible()).toBe(false);
  });
});
