import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ModelCard } from "../src/model/card.ts";
import { exampleRecord } from "../src/model/loaded-model.ts";

/** The committed model's file. */
export const modelPath = fileURLToPath(
  new URL("../../model/california-housing.onnx", import.meta.url),
);

/** The committed model's card. */
export const houseCard = ModelCard.parse(
  JSON.parse(readFileSync(modelPath.replace(/onnx$/, "json"), "utf8")),
);

/** How the service reads the trees of the committed model. */
export const houseTrees = { output: "MedHouseVal" };

const House = z.object({
  MedInc: z.number(),
  HouseAge: z.number(),
  AveRooms: z.number(),
  AveBedrms: z.number(),
  Population: z.number(),
  AveOccup: z.number(),
  Latitude: z.number(),
  Longitude: z.number(),
});

/** The example of the committed model's card. */
export const house = House.parse(JSON.parse(exampleRecord(houseCard)));
