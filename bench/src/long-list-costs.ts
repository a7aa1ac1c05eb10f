import type { Bodies } from "./houses.ts";
import { quantile } from "./statistics.ts";
import type { SteadyRequests } from "./steady-requests.ts";
import type { TimedAnswer, TimedPost } from "./timed-post.ts";

/** Who answers the lists. */
export interface Respondents {
  readonly floor: TimedPost;
  readonly service: TimedPost;
  /** To the service, beside some of the lists. */
  readonly smallRequests: SteadyRequests;
}

/** What a list costs, and how many times the floor that is. */
export interface Cost extends TimedAnswer {
  readonly toFloor: number;
}

/** One value for each way in which a list is answered. */
export type ByWay<T> = Readonly<Record<"floor" | "alone" | "beside", T>>;

/** Each figure's median. */
function medians(answers: readonly TimedAnswer[]): TimedAnswer {
  const median = (of: (answer: TimedAnswer) => number) => quantile(answers.map(of), 0.5);
  const names = Object.keys(answers[0]?.phasesMs ?? {});
  const phases = names.map((name) => [name, median(({ phasesMs }) => phasesMs[name] ?? 0)]);
  return { ms: median(({ ms }) => ms), phasesMs: Object.fromEntries(phases) };
}

async function postAll(post: TimedPost, bodies: readonly Buffer[]): Promise<TimedAnswer> {
  const answers: TimedAnswer[] = [];
  for (const body of bodies) answers.push(await post(body));
  return medians(answers);
}

/** What the floor times, not how long its answer takes. */
async function postAllToFloor(post: TimedPost, bodies: readonly Buffer[]): Promise<TimedAnswer> {
  const { phasesMs } = await postAll(post, bodies);
  return { ms: Object.values(phasesMs).reduce((sum, ms) => sum + ms, 0), phasesMs };
}

/**
 * Posts so many lists in each way, one after the other: the same to the floor and to the service
 * alone, others to the service beside small requests. Medians.
 */
export async function runRound(
  { floor, service, smallRequests }: Respondents,
  bodies: Bodies,
  count: number,
): Promise<ByWay<TimedAnswer>> {
  const take = () => Array.from({ length: count }, () => Buffer.from(bodies.next()));
  const same = take();
  const others = take();
  return {
    floor: await postAllToFloor(floor, same),
    alone: await postAll(service, same),
    beside: await smallRequests.during(() => postAll(service, others)),
  };
}

/** Medians of the rounds; a way's ratio to the floor is that within a round. */
export function costsOf(rounds: readonly ByWay<TimedAnswer>[]): ByWay<Cost> {
  const cost = (way: keyof ByWay<unknown>): Cost => {
    const ratios = rounds.map((round) => round[way].ms / round.floor.ms);
    return { ...medians(rounds.map((round) => round[way])), toFloor: quantile(ratios, 0.5) };
  };
  return { floor: cost("floor"), alone: cost("alone"), beside: cost("beside") };
}
