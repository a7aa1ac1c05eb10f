import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { ServedModel } from "../../src/model/served-model.ts";
import { appUnderTest, modelUnderTest } from "../app-under-test.ts";
import { temporaryFolder } from "../model-under-test.ts";

/** Serves the committed model's card from a folder with a file of locations. */
export function appWithLocations(text: string) {
  const path = join(temporaryFolder(), "m.onnx");
  const file = path.replace(".onnx", ".locations.json");
  writeFileSync(file, text);
  const defaultModel = new ServedModel(path, () => {});
  defaultModel.replace(modelUnderTest());
  const log: string[] = [];
  const logger = pino({ level: "error" }, { write: (line: string) => log.push(line) });
  return { app: appUnderTest({ defaultModel, logger }), file, log };
}
