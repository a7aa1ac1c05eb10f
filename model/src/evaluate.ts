import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { selectRows } from "./columns.ts";
import { runCommand } from "./command.ts";
import { loadCaliforniaHousing } from "./dataset-source.ts";
import { inputSamples, splitDataset } from "./housing-samples.ts";
import { computeMetrics, formatMetrics } from "./metrics.ts";
import { housingCardSchema } from "./model-card.ts";
import { cardFile, modelFolder, onnxFile } from "./model-files.ts";
import { loadOnnxPredictor } from "./onnx-predictor.ts";
import { sha256 } from "./sha256.ts";

// Evaluates the model on the held-out rows: evaluate.ts [--data RAW_FILE] [--model FOLDER]
await runCommand(async function evaluate() {
  const { data, model } = parseArgs({
    options: { data: { type: "string" }, model: { type: "string", default: modelFolder } },
  }).values;
  const onnx = await readFile(path.join(model, onnxFile));
  const card = housingCardSchema.parse(
    JSON.parse(await readFile(path.join(model, cardFile), "utf8")),
  );
  if (card.version !== sha256(onnx)) {
    throw new Error(`${cardFile} does not describe this ${onnxFile}`);
  }
  const dataset = await loadCaliforniaHousing(data, process.stderr);
  const heldOut = selectRows(inputSamples(dataset), splitDataset(dataset).test);
  const predict = await loadOnnxPredictor(onnx);
  const metrics = computeMetrics(heldOut.targets, await predict(heldOut.columns));
  process.stdout.write(
    `${card.name} on ${heldOut.targets.length} held-out rows: ${formatMetrics(metrics)}\n`,
  );
});
