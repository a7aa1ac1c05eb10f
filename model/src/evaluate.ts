import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { selectRows } from "./columns.ts";
import { runCommand } from "./command.ts";
import { loadCaliforniaHousing } from "./dataset-source.ts";
import { inputSamples, splitDataset } from "./housing-samples.ts";
import { computeMetrics, formatMetrics } from "./metrics.ts";
import { housingCardSchema } from "./model-card.ts";
import { CARD_FILE, MODEL_FOLDER, ONNX_FILE } from "./model-files.ts";
import { loadOnnxPredictor } from "./onnx-predictor.ts";
import { sha256 } from "./sha256.ts";

// Runs the model on the held-out rows: evaluate.ts [--data RAW_FILE] [--model FOLDER]
await runCommand(async function evaluate() {
  const { data, model } = parseArgs({
    options: { data: { type: "string" }, model: { type: "string", default: MODEL_FOLDER } },
  }).values;
  const onnx = await readFile(path.join(model, ONNX_FILE));
  const card = housingCardSchema.parse(
    JSON.parse(await readFile(path.join(model, CARD_FILE), "utf8")),
  );
  if (card.version !== sha256(onnx)) {
    throw new Error(`${CARD_FILE} describes another file than this ${ONNX_FILE}`);
  }
  const dataset = await loadCaliforniaHousing(data, process.stderr);
  const heldOut = selectRows(inputSamples(dataset), splitDataset(dataset).test);
  const predict = await loadOnnxPredictor(onnx);
  const metrics = computeMetrics(heldOut.targets, await predict(heldOut.columns));
  process.stdout.write(
    `${card.name} on ${heldOut.targets.length} held-out rows: ${formatMetrics(metrics)}\n`,
  );
});
