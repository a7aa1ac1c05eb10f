import { bulkBodies } from "./houses.ts";
import { ask } from "./load.ts";
import { type ByWay, type Cost, costsOf, type Respondents, runRound } from "./long-list-costs.ts";
import { startProgram } from "./programs.ts";
import type { Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";
import { startSteadyRequests } from "./steady-requests.ts";
import { type TimedAnswer, timedPosts } from "./timed-post.ts";

const path = "/bulk_predict";
const rounds = 7;
const lists = [
  { houses: 1_000, aRound: 40 },
  { houses: 10_000, aRound: 10 },
];
const small = { perSecond: 200, connections: 8 };
const targets = { alone: 1.15, beside: 1.5 };

const names: ByWay<string> = {
  floor: "floor",
  alone: "service, alone",
  beside: "service, beside small requests",
};
const ways = ["floor", "alone", "beside"] as const;

type Costs = ByWay<Cost> & { readonly houses: number };

const housesText = (houses: number) => `${houses.toLocaleString("en")} houses`;

/** @throws where the service and the floor do not answer the same */
async function demandSameAnswers(one: Server, other: Server): Promise<void> {
  const body = bulkBodies(999).next();
  const answers = await Promise.all([ask(one, path, body), ask(other, path, body)]);
  if (answers[0].body !== answers[1].body) throw new Error("void: the floor predicts otherwise");
}

async function measure(houses: number, aRound: number, respondents: Respondents, tell: Tell) {
  const bodies = bulkBodies(houses);
  const found: ByWay<TimedAnswer>[] = [];
  for (let round = 0; round <= rounds; round++) {
    tell(`${housesText(houses)}, round ${round} of ${rounds}`);
    const result = await runRound(respondents, bodies, aRound);
    if (round > 0) found.push(result);
  }
  return { houses, ...costsOf(found) };
}

function rowOf(houses: number, name: string, { ms, phasesMs, toFloor }: Cost) {
  const { parse = 0, inference = 0, cache, stringify } = phasesMs;
  const transport = cache === undefined ? "" : ms - parse - inference - cache;
  return [houses, name, ms, parse, inference, cache ?? stringify ?? 0, transport, toFloor];
}

function report(costs: readonly Costs[]): Section {
  const rate = `${small.perSecond} a second on ${small.connections} connections`;
  return {
    name: "long-lists",
    title: "Long lists against the floor",
    about: `Misses of \`/bulk_predict\`, one after the other, with Redis and production defaults; each feature of each house is drawn from its distribution in the data set, since regular houses would cost the trees half as much. The floor is \`JSON.parse\`, one run of the same model over the whole list on one thread, and \`JSON.stringify\`, in a process of its own that is sent the same bodies before its clock starts; making the tensor does not count. The service's time is the client's, from the first byte sent to the last received. The small requests are misses of \`/predict\`, ${rate}, sent evenly by another process whether or not earlier ones are answered: a steady company, which takes its turns between the slices of a list, not a load that fights for the processor (that is \`tail-latency\`).`,
    columns: [
      "houses",
      "",
      "ms",
      "parse ms",
      "inference ms",
      "cache, write ms",
      "receive, send ms",
      "to floor",
    ],
    rows: costs.flatMap((cost) => ways.map((way) => rowOf(cost.houses, names[way], cost[way]))),
    charts: [
      {
        kind: "bars",
        name: "long-lists",
        title: "Long lists, miss",
        unit: "µs a house",
        scale: "linear",
        labels: costs.map(({ houses }) => housesText(houses)),
        series: ways.map((way) => ({
          name: names[way],
          values: costs.map((cost) => (cost[way].ms * 1_000) / cost.houses),
        })),
      },
    ],
    verdicts: costs.flatMap((cost) =>
      (["alone", "beside"] as const).map((way) => ({
        what: `${housesText(cost.houses)}, miss, ${names[way]}`,
        measure: "time to the floor's",
        figure: cost[way].toFloor,
        bound: "at most",
        target: targets[way],
      })),
    ),
  };
}

/** What a long list costs beyond what it must. */
export async function longLists(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const service = await servers.add(startService({ REDIS_URL: redisUrl(redis) }));
  const floor = await servers.add(startProgram("floor", {}));
  await demandSameAnswers(service, floor);
  const smallRequests = startSteadyRequests(service, small);
  const respondents = {
    floor: timedPosts(floor.port, path, 1),
    service: timedPosts(service.port, path, 1),
    smallRequests,
  };
  try {
    const costs: Costs[] = [];
    for (const { houses, aRound } of lists) {
      costs.push(await measure(houses, aRound, respondents, tell));
    }
    return report(costs);
  } finally {
    await smallRequests.stop();
  }
}
