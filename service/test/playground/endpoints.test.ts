import { describe, expect, onTestFinished, test } from "vitest";
import type { App } from "../../src/app.ts";
import { loadModel } from "../../src/model/loaded-model.ts";
import { ServedModel } from "../../src/model/served-model.ts";
import { appUnderTest, modelUnderTest } from "../app-under-test.ts";
import { houseCard, modelPath } from "../house-model.ts";
import { appWithLocations } from "./app-with-locations.ts";

const app = appUnderTest({ limits: { maxHouses: 1234 } });

/** Returns the paths of all files that the page loads, with their modules. */
async function filesOf(path: string, found = new Set<string>()): Promise<ReadonlySet<string>> {
  if (found.has(path)) return found;
  found.add(path);
  const text = await (await app.request(path)).text();
  const links = text.matchAll(/(?:src|href)="(\/playground\/[^"]+)"|from "\.\/([^"]+)"/g);
  for (const [, link, module] of links) await filesOf(link ?? `/playground/${module}`, found);
  return found;
}

test("/playground serves each file that the page loads, with its type", async () => {
  const files = await filesOf("/playground");
  expect(files.size).toBeGreaterThan(10);
  for (const path of files) {
    const { status, headers } = await app.request(path);
    expect([path, status]).toEqual([path, 200]);
    const type = path.endsWith(".js") ? "javascript" : path.endsWith(".css") ? "css" : "html";
    expect(headers.get("content-type")).toContain(`text/${type}`);
  }
});

test("/playground serves no file that the page does not load", async () => {
  const files = await filesOf("/playground");
  const served = app.routes.filter(
    ({ method, path }) => method === "GET" && path.startsWith("/playground"),
  );
  const other = ["/playground/model.json"];
  expect(new Set(served.map(({ path }) => path))).toEqual(new Set([...files, ...other]));
  for (const path of ["/playground/tsconfig.json", "/playground/..%2fendpoints.ts"]) {
    expect((await app.request(path)).status).toBe(404);
  }
});

test("the content security policy of /playground allows no other host, and no inline code", async () => {
  for (const path of await filesOf("/playground")) {
    const policy = (await app.request(path)).headers.get("content-security-policy");
    expect(policy).toBe(
      [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join("; "),
    );
  }
});

test("there is no page at /", async () => {
  expect((await app.request("/")).status).toBe(404);
});

describe("/playground/model.json", () => {
  const modelOf = async (of: App) => (await of.request("/playground/model.json")).json();
  const locations = {
    latitude: "Latitude",
    longitude: "Longitude",
    cellDegrees: 0.1,
    cells: [[34, -118.3, 2.3, 120]],
  };

  test("/playground/model.json has the parts of the model card that the page needs, and the limit", async () => {
    const { name, description, record, features, target } = houseCard;
    expect(await modelOf(app)).toEqual({
      ...{ name, description, record, features, target },
      version: "0".repeat(64),
      maxRecords: 1234,
    });
  });

  test("/playground/model.json has the default level of the model's intervals", async () => {
    const model = await loadModel(modelPath, 10);
    onTestFinished(() => model.release());
    const { intervals } = model;
    if (intervals === undefined) throw new Error("the committed model has no intervals");
    for (const defaultLevel of [0.8, 0.9]) {
      const served = appUnderTest({
        model: { ...model, intervals: { ...intervals, defaultLevel } },
      });
      expect(await modelOf(served)).toMatchObject({ intervalLevel: defaultLevel });
    }
  });

  test("/playground/model.json has the locations that are next to the model", async () => {
    const { app: served } = appWithLocations(JSON.stringify(locations));
    expect(await modelOf(served)).toMatchObject({ locations });
  });

  test.each([
    ["text that is not JSON", "{"],
    ["no cells", JSON.stringify({ ...locations, cells: [] })],
    ["a latitude of 91", JSON.stringify({ ...locations, cells: [[91, 0, 1, 1]] })],
    ["an unknown member", JSON.stringify({ ...locations, unit: "km" })],
  ])("a file of locations with %s gives 500 and is logged with its path", async (_, text) => {
    const { app: served, file, log } = appWithLocations(text);
    expect((await served.request("/playground/model.json")).status).toBe(500);
    expect(log.join("\n")).toContain(`${file} does not describe locations: `);
  });

  test("/playground/model.json describes a new version of the model after it is loaded", async () => {
    const defaultModel = new ServedModel("m.onnx", () => {});
    const served = appUnderTest({ defaultModel });
    expect((await served.request("/playground/model.json")).status).toBe(503);
    for (const digit of ["1", "2"]) {
      const version = digit.repeat(64);
      defaultModel.replace({ ...modelUnderTest(), version });
      expect(await modelOf(served)).toMatchObject({ version });
    }
  });
});
