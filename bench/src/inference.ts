import { readFile } from "node:fs/promises";
import type { Dataset } from "../../model/src/dataset.ts";
import { loadCaliforniaHousing } from "../../model/src/dataset-source.ts";
import { computeMetrics } from "../../model/src/metrics.ts";
import { readConfig } from "../../service/src/config.ts";
import { featureNames } from "../../service/src/houses/house.ts";
import { batched, batching } from "../../service/src/predictor/batcher.ts";
import { loadOnnxPredictor } from "../../service/src/predictor/onnx.ts";
import { type BareModel, loadBareModel } from "./bare-model.ts";
import { type Costs, compareCosts, type Each, type Prepare } from "./inference-costs.ts";
import type { Section } from "./report.ts";
import { LeftOut, type Scenario } from "./scenario.ts";
import { type ShuffledHouses, shuffleHouses } from "./shuffled-houses.ts";
import { trainUsualEnsemble, usualSize } from "./usual-ensemble.ts";

const batchSizes = [1, 10, 100, 256, 1_000, 10_000];
const judgedSize = 1_000;

const alone =
  (model: BareModel, features: number): Prepare =>
  (matrix) => {
    const feeds = model.feed(matrix, features);
    return () => model.run(feeds);
  };

async function heldOutR2(prepare: Prepare, houses: ShuffledHouses): Promise<number> {
  const { matrix, features, heldOutTargets } = houses;
  const predict = prepare(matrix.slice(0, heldOutTargets.length * features));
  return computeMetrics(heldOutTargets, await predict()).r2;
}

function report(costs: readonly Costs[], r2: number, usualR2: number): Section {
  const line = (contender: keyof Each<unknown>) =>
    costs.map((cost) => [cost.size, cost[contender] / cost.size] as const);
  const judged = costs.find(({ size }) => size === judgedSize);
  return {
    name: "inference",
    title: "Inference alone",
    about: `The service's predictor, without HTTP around it, against ONNX Runtime's own floor (one run over the whole batch, its tensor made beforehand) and against ONNX Runtime with a usual ensemble of ${usualSize} leaves, made by the same trainer. One thread, rows of the data set in random order. R² on the held-out rows: the model ${r2.toFixed(4)}, the usual ensemble ${usualR2.toFixed(4)}.`,
    columns: [
      "houses",
      "µs a run",
      "µs a house",
      "floor, µs a house",
      `${usualSize}, µs a house`,
      "to floor",
      `to ${usualSize}`,
    ],
    rows: costs.map(({ size, service, floor, usual }) => [
      size,
      service,
      service / size,
      floor / size,
      usual / size,
      service / floor,
      service / usual,
    ]),
    charts: [
      {
        kind: "lines",
        name: "inference",
        title: "Inference by batch size",
        x: "houses a batch",
        y: "µs a house",
        series: [
          { name: "service", points: line("service") },
          { name: "ONNX Runtime alone", points: line("floor") },
          { name: `ONNX Runtime, ${usualSize}`, points: line("usual") },
        ],
      },
    ],
    verdicts: [
      {
        what: `inference, batch of ${judgedSize.toLocaleString("en")}, one thread`,
        measure: `time to a ${usualSize} ensemble's`,
        figure: judged === undefined ? Number.NaN : judged.service / judged.usual,
        bound: "at most",
        target: 0.5,
      },
      {
        what: "the model on the held-out rows",
        measure: "R²",
        figure: r2,
        bound: "at least",
        target: 0.865,
      },
    ],
  };
}

async function loadHouses(dataFile: string | undefined): Promise<Dataset> {
  try {
    return await loadCaliforniaHousing(dataFile, process.stderr);
  } catch (cause) {
    if (dataFile !== undefined) throw cause;
    throw new LeftOut(`it needs the data set; --data names a local one. ${cause}`, { cause });
  }
}

/**
 * Inference alone, by batch size, with the quality of the model that it is of.
 *
 * @param dataFile the raw California housing data, downloaded where no file is named
 */
export const inference =
  (dataFile: string | undefined): Scenario =>
  async (tell) => {
    const dataset = await loadHouses(dataFile);
    const houses = shuffleHouses(dataset);
    const { features } = houses;
    const { MODEL_PATH } = readConfig({});
    const { predict } = batched(await loadOnnxPredictor(MODEL_PATH, featureNames), {
      features,
      ...batching,
    });
    const prepare: Each<Prepare> = {
      service: (matrix) => () => predict(matrix),
      floor: alone(await loadBareModel(await readFile(MODEL_PATH)), features),
      usual: alone(await loadBareModel(trainUsualEnsemble(dataset, tell)), features),
    };
    const costs: Costs[] = [];
    for (const size of batchSizes) {
      tell(`batches of ${size}`);
      costs.push(await compareCosts(prepare, houses, size));
    }
    const r2 = await heldOutR2(prepare.service, houses);
    return report(costs, r2, await heldOutR2(prepare.usual, houses));
  };
