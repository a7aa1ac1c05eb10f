import path from "node:path";
import { parseArgs } from "node:util";
import { selectRows } from "./columns.ts";
import { runCommand } from "./command.ts";
import { loadCaliforniaHousing } from "./dataset-source.ts";
import { inputSamples, splitDataset, trainingSamples } from "./housing-samples.ts";
import { HYPERPARAMETERS } from "./hyperparameters.ts";
import { MODEL_FOLDER, TUNING_FILE } from "./model-files.ts";
import { replaceFiles } from "./replace-files.ts";
import { ablateFeatures, tuneOthers, tuneSize } from "./tuning.ts";
import { formatTuningReport } from "./tuning-report.ts";

// Cross-validates on the training rows and writes what it finds: tune.ts [--data RAW_FILE]
await runCommand(async function tune() {
  const { data } = parseArgs({ options: { data: { type: "string" } } }).values;
  const dataset = await loadCaliforniaHousing(data, process.stderr);
  const samples = trainingSamples(dataset);
  const input = selectRows(inputSamples(dataset), splitDataset(dataset).train);

  function observe(trial: string): void {
    process.stderr.write(`trying ${trial}\n`);
  }
  const sizes = await tuneSize(samples, input.columns, HYPERPARAMETERS, observe);
  const others = tuneOthers(samples, HYPERPARAMETERS, observe);
  const ablations = ablateFeatures(samples, HYPERPARAMETERS, observe);
  const report = formatTuningReport(sizes, others, ablations);
  await replaceFiles(new Map([[path.join(MODEL_FOLDER, TUNING_FILE), report]]));
  process.stdout.write(report);
});
