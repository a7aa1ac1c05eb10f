import { pace, race, waysToAnswer } from "../race.ts";
import type { Scenario } from "../scenario.ts";

const podCore = 0;
const clientCore = 1;
const onOneCore = [
  ...[500, 1_000, 2_000, 4_000].map((perSecond) => {
    return { load: `${perSecond.toLocaleString("en")} per second`, perSecond };
  }),
  ...[1, 8, 64, 512].map((clients) => ({ load: `${clients} clients`, clients })),
];
const contenders = [
  { cores: 1, options: { core: podCore }, loads: onOneCore },
  { cores: 2, options: {}, loads: [{ load: "64 clients", clients: 64 }] },
].flatMap(({ cores, options, loads }) =>
  waysToAnswer(options).flatMap(({ from, start, cached }) =>
    loads.map(({ load, ...pressure }) => ({
      labels: { from, load, cores },
      start,
      load: { path: "/predict", houses: 1, seconds: 1.5, ...cached, ...pressure },
    })),
  ),
);

export const capacity: Scenario = {
  name: "capacity",
  title: "What a pod can carry",
  about: `\`/predict\` for one house, with production defaults (for the Redis hit, without the in-process tier). Requests are sent at random moments at the given rate, like those of many independent clients; if the table shows fewer, the client could not send more. Or each of the given number of clients sends its next request when the last one is answered. With one core, the service has a core for itself, and Redis and the client share another one. With two cores, all of them share both. The busier a pod is, the less a request costs, since more requests share a turn of the event loop and a run of the model.`,
  columns: ["from", "load", "cores", ...pace],
  charts: [
    {
      name: "capacity",
      title: "Processor time per request, by load, on one core",
      where: { cores: 1 },
      group: "load",
      series: "from",
      figures: ["CPU ms"],
    },
  ],
  measure: (report, { rounds }) => race(contenders, report, rounds, clientCore),
};
