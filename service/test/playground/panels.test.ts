import { Hono } from "hono";
import { describe, expect } from "vitest";
import { operatorModel } from "../../../model/test/small-models.ts";
import type { NodeEnvironment } from "../../src/wire/sent-request.ts";
import { appUnderTest, modelUnderTest } from "../app-under-test.ts";
import { houseCard } from "../house-model.ts";
import { appOf, modelFiles } from "../model-under-test.ts";
import { appWithLocations } from "./app-with-locations.ts";
import {
  appAnswering,
  fieldOf,
  openPlayground,
  shows,
  testInBrowser,
  useBrowser,
} from "./browser.ts";

useBrowser();

describe("what the service knows about a prediction", () => {
  testInBrowser("the interval of a prediction is shown in the target's unit", async () => {
    const app = appAnswering((answering) =>
      answering.use("/predict", async (c, next) => {
        await next();
        const { prediction } = Object(await c.res.json());
        const reach = Number(c.req.query("interval"));
        c.res = Response.json(
          { prediction, interval: [prediction - reach, prediction + 1] },
          c.res,
        );
      }),
    );
    const { page } = await openPlayground(app);
    await fieldOf(page, "Median income").fill("4");
    await shows(page, "#prediction .interval", /^90% interval: 310,000 USD to 500,000 USD$/);
  });

  testInBrowser("a model without intervals is not asked for them", async () => {
    const { interval: _, ...card } = houseCard;
    const { page } = await openPlayground(appUnderTest({ model: { ...modelUnderTest(), card } }));
    const request = page.waitForRequest((sent) => sent.url().includes("predict"));
    await fieldOf(page, "Median income").fill("4");
    expect((await request).url()).toMatch(/\/predict$/);
    await shows(page, "#prediction .value", "400,000 USD");
    expect(await page.locator("#prediction .interval").count()).toBe(0);
  });

  testInBrowser("features outside the range of the training rows are marked", async () => {
    const names = { AveRooms: 1, "out of, range": 0 };
    const header = Object.keys(names).map(encodeURIComponent).join(", ");
    const app = appAnswering((answering) =>
      answering.use("/predict", async (c, next) => {
        await next();
        c.header("X-Out-Of-Range", header);
      }),
    );
    const { page } = await openPlayground(app);
    const marks = page.locator(".mark:visible");
    await marks.first().waitFor();
    expect(await marks.allTextContents()).toEqual([
      "Outside the range of the training rows, 0.8889 to 141.9",
    ]);
    const rooms = page.locator(".field", { has: fieldOf(page, "Average rooms") });
    expect(await rooms.locator(".mark").isVisible()).toBe(true);
  });

  const contributions = Object.fromEntries(
    houseCard.features.map(({ name }, index) => [name, index % 2 === 0 ? 0.25 : -0.125]),
  );

  testInBrowser(
    "the contributions of the features are shown as a chart and as a table",
    async () => {
      const explanation = { prediction: 2.5, baseline: 2, contributions };
      const app = appAnswering((answering) =>
        answering.post("/explain", (c) => c.json(explanation)),
      );
      const { page, faults } = await openPlayground(app);
      await page.locator("#contributions canvas").waitFor();
      const rows = await page.locator("#contributions tr").allTextContents();
      expect(rows).toEqual([
        "Average200,000 USD",
        "Median income+25,000 USD",
        "House age−12,500 USD",
        "Average rooms+25,000 USD",
        "Average bedrooms−12,500 USD",
        "Population+25,000 USD",
        "Average occupancy−12,500 USD",
        "Latitude+25,000 USD",
        "Longitude−12,500 USD",
        "Prediction250,000 USD",
      ]);
      expect(faults).toEqual([]);
    },
  );

  testInBrowser("a service that cannot explain the model says why, and is asked once", async () => {
    const msg = "The model is not a sum of trees";
    let asked = 0;
    const app = appAnswering((answering) =>
      answering.post("/explain", (c) => {
        asked++;
        return c.json({ detail: [{ type: "not_explainable", loc: ["body"], msg }] }, 422);
      }),
    );
    const { page } = await openPlayground(app);
    await shows(page, "#contributions-message", msg);
    await fieldOf(page, "Median income").fill("2");
    await shows(page, "#prediction .value", "200,000 USD");
    expect(asked).toBe(1);
  });

  testInBrowser("a service without explanations shows no place for them", async () => {
    const app = appAnswering((answering) =>
      answering.post("/explain", (c) => c.json({ detail: "Not Found" }, 404)),
    );
    const { page } = await openPlayground(app);
    await shows(page, "#requests", "/explain");
    expect(await page.locator("#contributions-panel").isVisible()).toBe(false);
  });

  testInBrowser(
    "of several outputs, the largest is explained, or the one that is chosen",
    async () => {
      const outputs = ["no", "yes"];
      const onnx = operatorModel("Identity", { columns: 2 });
      const features = [
        { name: "a", example: 0.2 },
        { name: "b", example: 0.8 },
      ];
      const explanation = {
        prediction: [0.2, 0.8],
        margin: [-1, 3],
        baseline: [0, 1],
        contributions: { a: [-0.75, 1.5], b: [-0.25, 0.5] },
      };
      const explaining = new Hono<NodeEnvironment>();
      explaining.post("/explain", (c) => c.json(explanation));
      const path = modelFiles(onnx, { features, target: { outputs } });
      const { page } = await openPlayground(await appOf(path, explaining));
      const rows = page.locator("#contributions tr");
      await rows.first().waitFor();
      expect(await rows.allTextContents()).toEqual(["Average1", "a+1.5", "b+0.5", "Score3"]);
      await page.getByLabel("Explained output").selectOption("no");
      expect(await rows.allTextContents()).toEqual(["Average0", "a−0.75", "b−0.25", "Score−1"]);
      expect(await page.locator("#prediction tr").allTextContents()).toEqual(["no0.2", "yes0.8"]);
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
