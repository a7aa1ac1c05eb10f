import path from "node:path";
import { parseArgs } from "node:util";
import { runCommand } from "./command.ts";
import { loadCaliforniaHousing } from "./dataset-source.ts";
import { trainingSamples } from "./housing-samples.ts";
import { chosenHyperparameters } from "./hyperparameters.ts";
import { modelFolder, tuningFile } from "./model-files.ts";
import { replaceFiles } from "./replace-files.ts";
import { tuneFeatureSets, tuneOthers, tuneSize, tuningFolds } from "./tuning.ts";
import { formatTuningReport } from "./tuning-report.ts";

// Cross-validates on the training rows, and writes the results to TUNING.md: tune.ts [--data
// RAW_FILE]
await runCommand(async function tune() {
  const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
  const dataset = await loadCaliforniaHousing(data, process.stderr);
  const samples = trainingSamples(dataset);
  const rules = chosenHyperparameters.prediction;

  function observe(trial: string): void {
    process.stderr.write(`trying ${trial}\n`);
  }
  observe("the neighbourhoods");
  const folds = tuningFolds(samples);
  const sizes = tuneSize(samples, folds, rules, observe);
  const others = tuneOthers(folds, rules, observe);
  const sets = tuneFeatureSets(folds, rules, observe);
  const report = formatTuningReport(sizes, others, sets);
  await replaceFiles(new Map([[path.join(modelFolder, tuningFile), report]]));
  process.stdout.write(report);
});
