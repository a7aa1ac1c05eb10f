import { type Answerer, type Match, startMatches } from "./fastapi-matches.ts";
import { requireFastApi } from "./fastapi-peer.ts";
import { aboutClient, paceCells, paceColumns, paceVerdicts, ratios } from "./paces.ts";
import { type Pace, race } from "./race.ts";
import type { BarChart, Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { Servers } from "./servers.ts";

/** What came of a match. */
interface Result extends Pick<Match, "what" | "cache" | "connections"> {
  readonly service: Pace;
  readonly others: readonly {
    readonly name: string;
    readonly pace: Pace;
    readonly target?: number;
  }[];
}

async function play(match: Match, tell: Tell): Promise<Result> {
  const { path, cache, bodies, connections } = match;
  const contender = <A extends Answerer>({ requests, ...answerer }: A) => ({
    ...answerer,
    path,
    cache,
    bodies: bodies(),
    pressure: { connections, until: requests === undefined ? { seconds: 2 } : { requests } },
  });
  const service = contender(match.service);
  const others = match.others.map(contender);
  const paceOf = await race([service, ...others], (progress) => tell(`${match.what}: ${progress}`));
  return {
    ...match,
    service: paceOf(service),
    others: others.map((other) => ({ ...other, pace: paceOf(other) })),
  };
}

const all = ({ service, others }: Result) => [{ name: "service", pace: service }, ...others];

function chart(results: readonly Result[], cache: Match["cache"], title: string): BarChart {
  const shown = results.filter((result) => result.cache === cache);
  const names = shown[0] ? all(shown[0]).map(({ name }) => name) : [];
  return {
    kind: "bars",
    name: `fastapi-${cache.toLowerCase()}`,
    title,
    unit: "requests/s",
    scale: "log",
    labels: shown.map(({ what }) => what),
    series: names.map((name, index) => ({
      name,
      values: shown.map((result) => all(result)[index]?.pace.requestsPerSecond ?? Number.NaN),
    })),
  };
}

const about = [
  "The FastAPI service with the same API, one worker of uvicorn with uvloop and httptools, its access",
  "log off: once with our ONNX file, once with a support vector regression. The service has its",
  "production defaults, or, for comparison, no in-process tier. All share one Redis, each with its own",
  "keys. The last two columns are how many times as fast the service is, in requests a second and in",
  "requests a second of processor time.",
].join("\n");

/** How much faster the service is than what it replaces. */
export async function fastapi(tell: Tell): Promise<Section> {
  requireFastApi();
  await using servers = new Servers();
  const results: Result[] = [];
  for (const match of await startMatches(servers)) results.push(await play(match, tell));

  return {
    name: "fastapi",
    title: "Against FastAPI",
    about: `${about} ${aboutClient(results.flatMap(all).map(({ pace }) => pace))}`,
    columns: ["", "connections", "", ...paceColumns, "× requests/s", "× per CPU"],
    rows: results.flatMap((result) =>
      all(result).map(({ name, pace }) => {
        const { rate, cpu } = ratios(result.service, pace);
        return [result.what, result.connections, name, ...paceCells(pace), rate, cpu];
      }),
    ),
    charts: [
      chart(results, "MISS", "Predictions computed"),
      chart(results, "HIT", "Predictions from the cache"),
    ],
    verdicts: results.flatMap(({ what, service, others }) =>
      others.flatMap(({ name, pace, target }) =>
        target === undefined ? [] : paceVerdicts(what, service, { name, pace, target }),
      ),
    ),
  };
}
