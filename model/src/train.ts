import path from "node:path";
import { parseArgs } from "node:util";
import { runCommand } from "./command.ts";
import { loadCaliforniaHousing } from "./dataset-source.ts";
import { describeLocations } from "./describe-model.ts";
import { chosenHyperparameters } from "./hyperparameters.ts";
import { formatMetrics } from "./metrics.ts";
import { cardFile, locationsFile, modelFolder, onnxFile } from "./model-files.ts";
import { replaceFiles } from "./replace-files.ts";
import { trainModel } from "./train-model.ts";

// Trains the model and writes it: train.ts [--data RAW_FILE] [--output FOLDER]
await runCommand(async function train() {
  const { data, output } = parseArgs({
    options: { data: { type: "string" }, output: { type: "string", default: modelFolder } },
  }).values;
  const dataset = await loadCaliforniaHousing(data, process.stderr);
  const { onnx, card } = await trainModel(dataset, chosenHyperparameters, process.stderr);
  await replaceFiles(
    new Map<string, string | Uint8Array>([
      [path.join(output, onnxFile), onnx],
      [path.join(output, cardFile), `${JSON.stringify(card, null, 2)}\n`],
      [path.join(output, locationsFile), `${JSON.stringify(describeLocations(dataset))}\n`],
    ]),
  );
  const { trees, leaves } = card.hyperparameters;
  process.stdout.write(`${trees} trees, ${leaves} leaves, version ${card.version}\n`);
  process.stdout.write(`train  ${formatMetrics(card.metrics.train)}\n`);
  process.stdout.write(`test   ${formatMetrics(card.metrics.test)}\n`);
  for (const { houses, rows, coverage } of card.metrics.intervals) {
    const shares = Object.entries(coverage).map(
      ([level, share]) => `${level}: ${share?.toFixed(3) ?? "none"}`,
    );
    process.stdout.write(`intervals of ${rows} test rows (${houses})  ${shares.join("  ")}\n`);
  }
});
