import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { ServedModel } from "../../src/model/served-model.ts";
import {
  appUnderTest,
  firstFeatureEngine,
  houseEngine,
  modelUnderTest,
} from "../app-under-test.ts";
import { house, houseCard } from "../house-model.ts";
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

describe("one record", () => {
  testInBrowser("the page shows the model, and predicts the example of its card", async () => {
    const { page, faults } = await openPlayground(appUnderTest());
    await shows(page, "h1", "California housing");
    await shows(page, "#model-version", "Model california-housing, version 000000000000");
    for (const { name, title = name, example } of houseCard.features) {
      expect(await fieldOf(page, title).inputValue()).toBe(String(example));
    }
    await shows(page, "#prediction .value", /^832,500 USD$/);
    await shows(page, "#prediction .hint", "8.3252");
    expect(faults).toEqual([]);
  });

  testInBrowser("the prediction changes while a value is typed", async () => {
    const { page } = await openPlayground(appUnderTest());
    await fieldOf(page, "Median income").fill("2.5");
    await shows(page, "#prediction .value", /^250,000 USD$/);
  });

  testInBrowser("an arrow key moves a slider, its field and the prediction", async () => {
    const { page } = await openPlayground(appUnderTest());
    await fieldOf(page, "Median income").fill("2");
    await shows(page, "#prediction .value", "200,000 USD");
    await fieldOf(page, "Median income, slider").press("ArrowRight");
    expect(Number(await fieldOf(page, "Median income").inputValue())).toBeCloseTo(2.02);
    await shows(page, "#prediction .value", "202,000 USD");
  });

  testInBrowser("a new value aborts the request for the previous one", async () => {
    const engine = firstFeatureEngine();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = {
      ...engine,
      predict: async (matrix: Float32Array) => {
        if (matrix[0] === 2) await held;
        return engine.predict(matrix);
      },
    };
    const { page } = await openPlayground(appUnderTest({ engine: slow }));
    const failed = page.waitForEvent("requestfailed");
    const sent = page.waitForRequest((request) => /"MedInc":2,/.test(request.postData() ?? ""));
    await fieldOf(page, "Median income").fill("2");
    await sent;
    await fieldOf(page, "Median income").fill("3");
    expect((await failed).failure()?.errorText).toBe("net::ERR_ABORTED");
    await shows(page, "#prediction .value", "300,000 USD");
    release();
  });

  testInBrowser("an error is shown at its field until the value is valid", async () => {
    const { page } = await openPlayground(appUnderTest());
    const income = fieldOf(page, "Median income");
    await income.fill("-1");
    await shows(page, "#prediction-error", "Correct the marked fields.");
    expect(await errorOf(page, "Median income").textContent()).toBe(
      "Input should be greater than 0",
    );
    expect(await income.getAttribute("aria-invalid")).toBe("true");
    expect(await predictionOf(page).count()).toBe(0);
    await income.fill("");
    await errorOf(page, "Median income").filter({ hasText: "Field required" }).waitFor();
    await income.fill("4");
    await shows(page, "#prediction .value", "400,000 USD");
    expect(await errorOf(page, "Median income").isVisible()).toBe(false);
    expect(await income.getAttribute("aria-invalid")).toBe("false");
  });

  testInBrowser("the example can be restored", async () => {
    const { page } = await openPlayground(appUnderTest());
    await fieldOf(page, "Median income").fill("2");
    await fieldOf(page, "House age").fill("3");
    await shows(page, "#prediction .value", "200,000 USD");
    await page.getByRole("button", { name: "Reset to the example" }).click();
    await shows(page, "#prediction .value", "832,500 USD");
    expect(await fieldOf(page, "House age").inputValue()).toBe(String(house.HouseAge));
  });

  testInBrowser("the page says where a value is among the training rows", async () => {
    const { page } = await openPlayground(appUnderTest());
    const income = page.locator(".field", { has: fieldOf(page, "Median income") });
    for (const [value, text] of [
      ["3.5387", "50% of houses at or below"],
      ["0.1", "below all houses"],
      ["99", "above all houses"],
    ] as const) {
      await fieldOf(page, "Median income").fill(value);
      await income.getByText(text).waitFor();
    }
  });

  testInBrowser("each request is listed with its cache outcome, timing and model", async () => {
    const { page } = await openPlayground(appUnderTest());
    const row = page.locator("#requests tbody tr", { hasText: "/predict" });
    const cells = await row.locator("td").allTextContents();
    expect(cells).toEqual([
      expect.stringMatching(/^POST \/predict/),
      "200",
      expect.stringMatching(/^(HIT|MISS|BYPASS) \S/),
      expect.stringMatching(/^parse [\d.]+ ms, cache [\d.]+ ms, inference [\d.]+ ms$/),
      expect.stringMatching(/^\d+ ms$/),
      `california-housing ${"0".repeat(12)}`,
    ]);
  });

  testInBrowser(
    "the page reports an error of the service, and a service that does not respond",
    async () => {
      let isDown = false;
      const engine = {
        ...houseEngine,
        predict: async (matrix: Float32Array) => {
          if (isDown) throw new Error("no memory");
          return new Float32Array(matrix.length / 8);
        },
      };
      const { page } = await openPlayground(appUnderTest({ engine }));
      isDown = true;
      await fieldOf(page, "Median income").fill("2");
      await shows(page, "#prediction-error", "Internal Server Error (status 500)");
      await page.context().setOffline(true);
      await fieldOf(page, "Median income").fill("3");
      await shows(page, "#prediction-error", "The service does not respond");
    },
  );

  testInBrowser("a new version of the model is announced", async () => {
    const defaultModel = new ServedModel("m.onnx", () => {});
    defaultModel.replace(modelUnderTest());
    const { page } = await openPlayground(appUnderTest({ defaultModel }));
    expect(await page.locator("#notice").isVisible()).toBe(false);
    defaultModel.replace({ ...modelUnderTest(), version: "1".repeat(64) });
    await fieldOf(page, "Median income").fill("2");
    await shows(page, "#notice", "The service has a new version of the model.");
  });
});

describe("an API token", () => {
  const token = "a-token-of-enough-characters";
  const protectedApp = () => {
    const groups = new Set(["api"] as const);
    const tokens = { has: (sent: string) => sent === token };
    return appUnderTest({ access: { groups, tokens } });
  };
  const enter = async (page: Page, text: string) => {
    await page.getByLabel("Token", { exact: true }).fill(text);
    await page.getByLabel("Token", { exact: true }).press("Enter");
  };

  testInBrowser("the page asks for the API token until it is valid", async () => {
    const { page, faults } = await openPlayground(protectedApp());
    await page.getByRole("dialog").waitFor();
    expect(await page.locator("#token-error").isVisible()).toBe(false);
    await enter(page, "wrong");
    await shows(page, "#token-error", "The service does not accept this token.");
    await enter(page, token);
    await shows(page, "#prediction .value", "832,500 USD");
    await fieldOf(page, "Median income").fill("2");
    await shows(page, "#prediction .value", "200,000 USD");
    expect(faults).toEqual([]);
  });

  testInBrowser("the token is forgotten on request, and never stored", async () => {
    const { page } = await openPlayground(protectedApp());
    await enter(page, token);
    await shows(page, "#prediction .value", "832,500 USD");
    const stored = "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])";
    expect(await page.evaluate(stored)).toBe('[{},{},""]');
    await page.getByRole("button", { name: "Forget the API token" }).click();
    await fieldOf(page, "Median income").fill("2");
    await page.getByRole("dialog").waitFor();
  });

  testInBrowser("without a token, the page shows the service's response", async () => {
    const { page } = await openPlayground(protectedApp());
    await page.getByRole("button", { name: "Cancel" }).click();
    await shows(page, "#prediction-error", "Not authenticated (status 401)");
  });
});
