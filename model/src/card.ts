import { parseArgs } from "node:util";
import type { ModelCard } from "../../service/src/model/card.ts";
import { writeCard } from "./card/write-card.ts";
import { runCommand } from "./command.ts";

const usage =
  "usage: ./run.sh card MODEL.onnx --data TRAIN.csv [--target COLUMN] [--record wine,wines] [--force]";

/** The names of the metrics, in the order shown. */
const labels = {
  r2: "R²",
  rmse: "RMSE",
  mae: "MAE",
  accuracy: "accuracy",
  logLoss: "log loss",
};

// Writes the card of a model that was trained with any other tool.
await runCommand(async function card() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: "string" },
      target: { type: "string" },
      record: { type: "string" },
      force: { type: "boolean", default: false },
    },
  });
  const [model, ...others] = positionals;
  const { data, target, record, force } = values;
  if (model === undefined || others.length > 0 || data === undefined) {
    throw new Error(`exactly one model and its training rows are required\n${usage}`);
  }
  if (!model.endsWith(".onnx")) {
    throw new Error(`${model} does not end in .onnx\n${usage}`);
  }
  const written = await writeCard(
    { model, data, target, record: parseRecord(record), force },
    process.stderr,
  );
  const { features } = written.card;
  const lines = [
    `Wrote ${written.path}: ${features.length} features, ${written.rows} rows.`,
    formatMetrics(written.metrics),
    ...written.notes,
    `Check and edit it, then serve the model: MODEL_PATH=${model} ./run.sh local`,
  ];
  process.stdout.write(
    lines
      .filter((line) => line !== "")
      .map((line) => `${line}\n`)
      .join(""),
  );
});

function parseRecord(names: string | undefined): ModelCard["record"] | undefined {
  if (names === undefined) return undefined;
  const [singular, plural, ...others] = names.split(",").map((name) => name.trim());
  if (!singular || !plural || others.length > 0) {
    throw new Error(
      `--record is ${JSON.stringify(names)}; it must be two names, such as wine,wines`,
    );
  }
  return { singular, plural };
}

function formatMetrics(metrics: Readonly<Record<string, number>>): string {
  const shown = Object.entries(labels).flatMap(([name, label]) => {
    const value = metrics[name];
    return value === undefined ? [] : [`${label} ${value.toFixed(4)}`];
  });
  return shown.length > 0 ? `On these rows: ${shown.join(", ")}.` : "";
}
