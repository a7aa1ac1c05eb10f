import path from "node:path";
import { parseArgs } from "node:util";
import { selectRows } from "./columns.ts";
import { runCommand } from "./command.ts";
import { loadCaliforniaHousing } from "./dataset-source.ts";
import { inputSamples, splitDataset, trainingSamples } from "./housing-samples.ts";
import { chosenHyperparameters } from "./hyperparameters.ts";
import { modelFolder, tuningFile } from "./model-files.ts";
import { replaceFiles } from "./replace-files.ts";
import { ablateFeatures, tuneOthers, tuneSize } from "./tuning.ts";
import { formatTuningReport } from "./tuning-report.ts";

// Cross-validates on the training rows, and writes the results to TUNING.md: tune.ts [--data
// RAW_FILE]
await runCommand(async function tune() {
  const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
  const dataset = await loadCaliforniaHousing(data, process.stderr);
  const samples = trainingSamples(dataset);
  const input = selectRows(inputSamples(dataset), splitDataset(dataset).train);

  function observe(trial: string): void {
    process.stderr.write(`trying ${trial}\n`);
  }
  const sizes = await tuneSize(samples, input.columns, chosenHyperparameters, observe);
  const others = tuneOthers(samples, chosenHyperparameters, observe);
  const ablations = ablateFeatures(samples, chosenHyperparameters, observe);
  const report = formatTuningReport(sizes, others, ablations);
  await replaceFiles(new Map([[path.join(modelFolder, tuningFile), report]]));
  process.stdout.write(report);
});
