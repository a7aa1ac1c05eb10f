import { loadModel } from "../../../service/src/model/loaded-model.ts";
import { drawBatches, modelFile } from "../houses.ts";
import type { Scenario } from "../scenario.ts";
import { takeTurns } from "../turns.ts";

const most = 1_000;
const own = "CPU µs per house";

export const explanations: Scenario = {
  name: "explanations",
  title: "Explanations alone",
  about: `The contributions of all features to a prediction, without HTTP, by the number of houses in a batch. The processor time of all threads counts, so that of a single house includes the way to the thread that explains and back. The houses are drawn from the distributions of the data set.`,
  columns: ["houses", own],
  async measure(report) {
    const model = await loadModel(modelFile, most);
    await model.compile();
    const contenders = [1, 10, 100, most].map((size) => {
      const batches = drawBatches(Math.min(100, most / size), size);
      async function run() {
        const start = process.cpuUsage();
        for (const batch of batches) await model.explainer.predict(batch);
        const { user, system } = process.cpuUsage(start);
        return { [own]: (user + system) / batches.length / size };
      }
      return { labels: { houses: size }, run };
    });
    const rows = await takeTurns(contenders, report, 9);
    await model.release();
    return rows;
  },
};
