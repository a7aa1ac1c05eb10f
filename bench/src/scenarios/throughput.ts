import { pace, race, waysToAnswer } from "../race.ts";
import type { Scenario } from "../scenario.ts";

const kinds = [1, 10, 100, 1_000, 10_000, 100_000].map((houses) => ({
  path: houses === 1 ? "/predict" : "/bulk_predict",
  houses,
  clients: houses < 1_000 ? 64 : houses < 100_000 ? 8 : 1,
}));
const ways = waysToAnswer();
const contenders = kinds.flatMap(({ path, houses, clients }) =>
  ways.map(({ from, start, cached }) => ({
    labels: { request: path, houses, from, clients },
    start,
    load: { path, houses, clients, seconds: 2, ...cached },
  })),
);
const byHouses = { group: "houses", series: "from", isLogarithmic: true };

export const throughput: Scenario = {
  name: "throughput",
  title: "Throughput",
  about: `Each kind of request is answered in three ways: computed by the model, found in Redis (without the in-process tier), and found in memory. Otherwise the service has its production defaults. Each client sends its next request when the last one is answered.`,
  columns: ["request", "houses", "from", "clients", ...pace],
  charts: [
    { name: "throughput-requests", title: "Throughput", figures: ["requests/s"], ...byHouses },
    { name: "throughput-cpu", title: "Processor time", figures: ["CPU ms"], ...byHouses },
  ],
  measure: (report, { rounds }) => race(contenders, report, rounds),
};
