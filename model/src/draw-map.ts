import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { Locations } from "../../service/src/playground/locations.ts";
import { runCommand } from "./command.ts";
import { houseFeatures } from "./house-features.ts";
import { californiaGrid, gridWidth, housesOnGrid } from "./map-grid.ts";
import { housingCardSchema } from "./model-card.ts";
import { cardFile, locationsFile, modelFolder, onnxFile } from "./model-files.ts";
import { loadOnnxPredictor } from "./onnx-predictor.ts";
import { encodePng } from "./png.ts";

/** The values of the first and the last colour, in 100,000 USD. */
const [lowest, highest] = [0.5, 4];

/** Colours from low to high values, between which the palette is interpolated. */
const colours = [
  [0x44, 0x01, 0x54],
  [0x3b, 0x52, 0x8b],
  [0x21, 0x91, 0x8c],
  [0x5e, 0xc9, 0x62],
  [0xfd, 0xe7, 0x25],
] as const;

/** The palette has each colour twice: vivid where training rows are near, and pale elsewhere. */
const shades = 64;
const paleness = 0.6;

// Draws what the model predicts for the median house at each location: docs/model-map.png.
await runCommand(async function drawMap() {
  const card = housingCardSchema.parse(
    JSON.parse(await readFile(path.join(modelFolder, cardFile), "utf8")),
  );
  const medianHouse = card.features.map((feature) =>
    feature.type === "number" ? (feature.quantiles?.["0.5"] ?? feature.example) : Number.NaN,
  );
  const predict = await loadOnnxPredictor(await readFile(path.join(modelFolder, onnxFile)));
  const houses = housesOnGrid(californiaGrid, medianHouse);
  const predictions = await predict(houses);
  const locations = Locations.parse(
    JSON.parse(await readFile(path.join(modelFolder, locationsFile), "utf8")),
  );
  const cellOf = (north: number, east: number) =>
    [north, east].map((degrees) => Math.floor(degrees / locations.cellDegrees)).join();
  const half = locations.cellDegrees / 2;
  const known = new Set(locations.cells.map(([north, east]) => cellOf(north + half, east + half)));
  const [latitudes, longitudes] = ["Latitude", "Longitude"].map(
    (name) => houses[houseFeatures.findIndex((feature) => feature.name === name)],
  );
  const pixels = Uint8Array.from(predictions, (value, point) => {
    const share = Math.min(1, Math.max(0, (value - lowest) / (highest - lowest)));
    const isKnown = known.has(cellOf(latitudes?.[point] ?? 0, longitudes?.[point] ?? 0));
    return Math.round(share * (shades - 1)) + (isKnown ? 0 : shades);
  });
  const file = path.join(modelFolder, "../docs/model-map.png");
  await writeFile(file, encodePng(pixels, gridWidth(californiaGrid), palette()));
});

function palette(): Uint8Array {
  return Uint8Array.from({ length: 2 * shades * 3 }, (_, at) => {
    const index = Math.floor(at / 3);
    const place = ((index % shades) / (shades - 1)) * (colours.length - 1);
    const [low, high] = [colours[Math.floor(place)], colours[Math.ceil(place)]];
    const [from = 0, to = 0] = [low?.[at % 3], high?.[at % 3]];
    const vivid = from + (to - from) * (place % 1);
    return Math.round(index < shades ? vivid : vivid + (255 - vivid) * paleness);
  });
}
