import { readFileSync } from "node:fs";
import { join } from "node:path";
import { drawTypicalRows } from "../../service/src/explain/typical-rows.ts";
import { ModelCard } from "../../service/src/model/card.ts";
import { randomNumbers } from "../../service/src/model/random-numbers.ts";

/** The folder of the project. */
export const checkout: string = join(import.meta.dirname, "../..");
/** The model that the service serves by default; its card is next to it. */
export const modelFile: string = join(checkout, "model/california-housing.onnx");

export type House = Readonly<Record<string, number>>;

/** The number of decimals in the data set. The other features are quotients. */
const decimals: House = { MedInc: 4, HouseAge: 0, Population: 0, Latitude: 2, Longitude: 2 };

/**
 * Draws houses whose features are distributed as in the data set. With regular houses, the trees
 * would take half the time, since the processor would predict their branches.
 */
export function drawHouses(count: number, seed: number): readonly House[] {
  const card = readFileSync(modelFile.replace(/onnx$/, "json"), "utf8");
  const { features } = ModelCard.parse(JSON.parse(card));
  const matrix = drawTypicalRows(features, count, randomNumbers(seed));
  return Array.from({ length: count }, (_, row) => {
    const values = matrix.subarray(row * features.length);
    const cells = features.map(({ name }, column) => {
      return [name, Number(values[column]?.toFixed(decimals[name] ?? 15))];
    });
    return Object.fromEntries(cells);
  });
}

/** Draws batches for a model: matrices with one house per row. They are always the same. */
export function drawBatches(count: number, size: number): readonly Float32Array[] {
  const numbers = drawHouses(count * size, 1).flatMap((house) => Object.values(house));
  const length = numbers.length / count;
  return Array.from({ length: count }, (_, batch) =>
    Float32Array.from(numbers.slice(batch * length, (batch + 1) * length)),
  );
}
