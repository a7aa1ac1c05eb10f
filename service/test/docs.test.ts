import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { hasBrowser, launchBrowser } from "../../test/browser.ts";
import { testNeeding } from "../../test/prerequisite.ts";
import { appUnderTest, serve } from "./app-under-test.ts";
import { house } from "./house-model.ts";

const app = appUnderTest({ limits: { maxHouses: 1234 } });

const Document = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.object({ schemas: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

async function readDocument() {
  const response = await app.request("/openapi.json");
  expect(response.headers.get("content-type")).toBe("application/json");
  return Document.parse(await response.json());
}

describe("/openapi.json", () => {
  test("/openapi.json is valid OpenAPI 3.1", async () => {
    const response = await app.request("/openapi.json");
    const document = z.record(z.string(), z.unknown()).parse(await response.json());
    expect(await new Validator().validate(document)).toEqual({ valid: true });
    expect((await readDocument()).openapi).toMatch(/^3\.1\./);
  });

  test("/openapi.json describes every route except its own pages", async () => {
    const { paths } = await readDocument();
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = app.routes.filter(
      ({ method, path }) => method !== "ALL" && !/^\/(docs|playground|openapi\.json)/.test(path),
    );
    const template = (path: string) => path.replaceAll(/:(\w+)/g, "{$1}");
    const unique = new Set(served.map(({ method, path }) => `${method} ${template(path)}`));
    expect(described.toSorted()).toEqual([...unique].toSorted());
  });

  test("/openapi.json links to the playground", async () => {
    const response = await app.request("/openapi.json");
    expect(await response.json()).toMatchObject({ externalDocs: { url: "/playground" } });
  });

  test("/openapi.json describes houses with their bounds", async () => {
    const { House } = (await readDocument()).components.schemas;
    expect(House).toMatchObject({
      type: "object",
      required: Object.keys(house),
      additionalProperties: false,
      properties: { MedInc: { type: "number", exclusiveMinimum: 0 }, Latitude: { type: "number" } },
    });
  });

  test("/openapi.json states the configured limits", async () => {
    const { paths, components } = await readDocument();
    const { BulkHouse } = components.schemas;
    expect(BulkHouse).toMatchObject({ properties: { houses: { type: "array", maxItems: 1234 } } });
    const answers = JSON.stringify(paths["/predict"]);
    expect(answers).toContain("longer than 1048576 bytes");
    expect(JSON.stringify(paths["/bulk_predict"])).toContain("longer than 33554432 bytes");
    for (const status of [200, 405, 413, 415, 422, 503, 504]) {
      expect(answers).toContain(`"${status}":`);
    }
  });

  test("/openapi.json describes the errors that a request to any endpoint can get", async () => {
    const { paths } = await readDocument();
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(operations).toHaveLength(20);
    for (const operation of operations) {
      expect(operation).toMatchObject({
        responses: {
          400: { description: expect.stringMatching(/The request is not valid HTTP$/) },
          408: { description: "The request did not arrive within 35000 ms" },
          431: { description: "The request line and headers are longer than 65536 bytes" },
        },
      });
    }
  });

  test("/openapi.json says when a prediction gets 400 because of its body", async () => {
    const { paths } = await readDocument();
    for (const path of ["/predict", "/bulk_predict"]) {
      expect(paths[path]).toMatchObject({
        post: {
          responses: { 400: { description: expect.stringMatching(/^The body is not UTF-8, /) } },
        },
      });
    }
  });

  test("the example of an error in /openapi.json is about the first feature", async () => {
    const { ValidationError } = (await readDocument()).components.schemas;
    expect(ValidationError).toMatchObject({
      properties: { loc: { examples: [["body", Object.keys(house)[0]]] } },
    });
  });
});

describe("/docs", () => {
  test("/docs refers to no other host, and its content security policy allows none", async () => {
    const response = await app.request("/docs");
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).not.toContain("://");
  });

  test.each(["swagger-ui.css", "swagger-ui-bundle.js", "start.js"])(
    "/docs serves %s",
    async (name) => {
      const response = await app.request(`/docs/${name}`);
      expect(response.status).toBe(200);
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(50);
    },
  );

  test("/docs serves no other file", async () => {
    expect((await app.request("/docs/package.json")).status).toBe(404);
    expect((await app.request("/docs/..%2fpackage.json")).status).toBe(404);
  });

  testNeeding(hasBrowser)(
    "/docs works in Chromium without network access, and can send a prediction",
    async () => {
      const port = await serve(app);
      const browser = await launchBrowser();
      onTestFinished(() => browser.close());
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") faults.push(message.text());
      });
      page.on("request", (request) => {
        const { hostname, protocol } = new URL(request.url());
        if (protocol !== "data:" && hostname !== "127.0.0.1") faults.push(request.url());
      });

      await page.goto(`http://127.0.0.1:${port}/docs`);
      const operation = page.locator("#operations-predictions-predict_predict_post");
      await operation.locator(".opblock-summary-control").click();
      await operation.locator("button.execute").click();
      const answer = operation.locator(".live-responses-table");
      await answer.waitFor();
      expect(await answer.textContent()).toContain(`"prediction": ${Math.fround(house.MedInc)}`);
      expect(faults).toEqual([]);
    },
  );
});
