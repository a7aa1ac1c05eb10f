import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Locations } from "../../service/src/playground/locations.ts";
import { summarizeLocations } from "../src/locations.ts";
import { locationsFile, modelFolder } from "../src/model-files.ts";

test("features without a latitude or a longitude have no locations", () => {
  expect(summarizeLocations([{ name: "latitude", values: [1] }], [1])).toBeUndefined();
  expect(summarizeLocations([{ name: "MedInc", values: [1] }], [1])).toBeUndefined();
});

test("coordinates that are not on Earth are not locations", () => {
  const features = [
    { name: "latitude", values: [9000] },
    { name: "longitude", values: [0] },
  ];
  expect(summarizeLocations(features, [1])).toBeUndefined();
});

test("rows are counted, and their targets averaged, in cells of 0.1 degrees", () => {
  const features = [
    { name: "Longitude", values: [-118.25, -118.21, -118.19] },
    { name: "Latitude", values: [34.05, 34.09, 34.05] },
  ];
  expect(summarizeLocations(features, [2, 3.5, 1])).toEqual({
    latitude: "Latitude",
    longitude: "Longitude",
    cellDegrees: 0.1,
    cells: [
      [34, -118.3, 2.75, 2],
      [34, -118.2, 1, 1],
    ],
  });
});

test("the committed locations are those of all training rows, in at most 60 KB", () => {
  const text = readFileSync(path.join(modelFolder, locationsFile), "utf8");
  expect(text.length).toBeLessThanOrEqual(60_000);
  const { cells } = Locations.parse(JSON.parse(text));
  expect(cells.reduce((sum, [, , , rows]) => sum + rows, 0)).toBe(13_828);
});
