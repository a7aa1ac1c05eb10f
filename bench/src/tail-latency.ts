import { type Bodies, bulkBodies, singleBodies } from "./houses.ts";
import { client, drive } from "./load.ts";
import { startProgram } from "./programs.ts";
import type { Section } from "./report.ts";
import type { Tell } from "./scenario.ts";
import { redisUrl, type Server, Servers, startRedis, startService } from "./servers.ts";
import { quantile } from "./statistics.ts";
import { type TimedPost, timedPosts } from "./timed-post.ts";

const rounds = 5;
const seconds = 4;
const connections = 8;
const houses = 10_000;

interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly postList: TimedPost;
}

/** How small requests and long lists fare together: in a round, or medians of the rounds. */
interface Meeting {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requestsPerSecond: number;
  /** Median time of a list. */
  readonly listMs: number;
}

/** Posts lists without pause: the next is at hand when one is answered. */
async function postLists(post: TimedPost, lists: Bodies, end: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  for (let next = lists.next(); !end.aborted; ) {
    const answer = post(Buffer.from(next));
    next = lists.next();
    times.push((await answer).ms);
  }
  return times;
}

async function meet({ server, postList }: Contender, small: Bodies, lists: Bodies) {
  const end = new AbortController();
  const load = { path: "/predict", bodies: small, connections, until: { seconds } };
  const [found, listTimes] = await Promise.all([
    drive(server, load).finally(() => end.abort()),
    postLists(postList, lists, end.signal),
  ]);
  return {
    p50Ms: found.p50Ms,
    p99Ms: found.p99Ms,
    requestsPerSecond: found.requests / found.seconds,
    listMs: quantile(listTimes, 0.5),
  };
}

function medians(meetings: readonly Meeting[]): Meeting {
  const median = (figure: keyof Meeting) =>
    quantile(
      meetings.map((meeting) => meeting[figure]),
      0.5,
    );
  return {
    p50Ms: median("p50Ms"),
    p99Ms: median("p99Ms"),
    requestsPerSecond: median("requestsPerSecond"),
    listMs: median("listMs"),
  };
}

/** Takes turns, so that what else the machine does falls on all; the first round is a warm-up. */
async function meetInTurns(contenders: readonly Contender[], tell: Tell): Promise<Meeting[]> {
  const small = singleBodies();
  const lists = bulkBodies(houses);
  const found = contenders.map((contender) => ({ contender, meetings: [] as Meeting[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { contender, meetings } of found) {
      tell(`round ${round} of ${rounds}: ${contender.name}`);
      const meeting = await meet(contender, small, lists);
      if (round > 0) meetings.push(meeting);
    }
  }
  return found.map(({ meetings }) => medians(meetings));
}

function report(sliced: Meeting, whole: Meeting): Section {
  const what = `one house beside lists of ${houses.toLocaleString("en")}`;
  const row = (name: string, meeting: Meeting) => [
    name,
    meeting.p50Ms,
    meeting.p99Ms,
    meeting.requestsPerSecond,
    meeting.listMs,
  ];
  return {
    name: "tail-latency",
    title: "Small requests beside long lists",
    about: `Misses of \`/predict\` on ${connections} connections, each asking again as soon as it is answered, while one client posts lists of ${houses.toLocaleString("en")} houses to \`/bulk_predict\` without pause, all misses of houses drawn as in \`long-lists\`. The service cuts the lists into short runs; the other server is the same but for that: a run takes all rows that wait. The small requests are sent by ${client()}, in rounds of ${seconds} seconds.`,
    columns: ["", "p50 ms", "p99 ms", "requests/s", "a list, ms"],
    rows: [row("service", sliced), row("without slices", whole)],
    charts: [
      {
        kind: "bars",
        name: "tail-latency",
        title: `/predict beside lists of ${houses.toLocaleString("en")} houses`,
        unit: "ms",
        scale: "linear",
        labels: ["p50", "p99"],
        series: [
          { name: "service", values: [sliced.p50Ms, sliced.p99Ms] },
          { name: "without slices", values: [whole.p50Ms, whole.p99Ms] },
        ],
      },
    ],
    verdicts: [
      { what, measure: "p99 in ms", figure: sliced.p99Ms, bound: "at most", target: 25 },
      {
        what,
        measure: "p99 to that without slices",
        figure: sliced.p99Ms / whole.p99Ms,
        bound: "at most",
        target: 0.15,
      },
    ],
  };
}

/** How long small requests wait for long lists, and how long they would if a list ran in one go. */
export async function tailLatency(tell: Tell): Promise<Section> {
  await using servers = new Servers();
  const redis = await servers.add(startRedis());
  const sliced = await servers.add(startService({ REDIS_URL: redisUrl(redis) }));
  const whole = await servers.add(startProgram("whole-lists", { REDIS_URL: redisUrl(redis, 1) }));
  const contender = (name: string, server: Server): Contender => ({
    name,
    server,
    postList: timedPosts(server.port, "/bulk_predict", 1),
  });
  const [service, withoutSlices] = await meetInTurns(
    [contender("service", sliced), contender("without slices", whole)],
    tell,
  );
  if (service === undefined || withoutSlices === undefined) throw new Error("nothing was measured");
  return report(service, withoutSlices);
}
