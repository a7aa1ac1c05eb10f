import type { ShuffledHouses } from "./shuffled-houses.ts";
import { quantile } from "./statistics.ts";

const rounds = 9;
/** Of one contender in one round. */
const most = { rows: 20_000, runs: 2_000 };

/** One value each for the service's predictor, for ONNX Runtime alone, and for the usual ensemble. */
export interface Each<T> {
  readonly service: T;
  readonly floor: T;
  readonly usual: T;
}

/** Makes a run over a batch; only the run is timed. */
export type Prepare = (matrix: Float32Array) => () => Promise<Float32Array>;

/** Microseconds a run over a batch of so many houses. */
export type Costs = Each<number> & { readonly size: number };

const contenders = ["service", "floor", "usual"] as const;

/** Cuts the houses into batches that have none in common. */
function batchesOf({ matrix, features }: ShuffledHouses, size: number): Float32Array[] {
  const count = Math.min(most.runs, Math.floor(most.rows / size));
  const length = size * features;
  return Array.from({ length: count }, (_, batch) =>
    matrix.slice(batch * length, (batch + 1) * length),
  );
}

async function microsecondsARun(runs: readonly (() => Promise<Float32Array>)[]): Promise<number> {
  const start = performance.now();
  for (const run of runs) await run();
  return ((performance.now() - start) * 1_000) / runs.length;
}

/** Lets them take turns over the same batches, each of other houses. Medians of the rounds. */
export async function compareCosts(
  prepare: Each<Prepare>,
  houses: ShuffledHouses,
  size: number,
): Promise<Costs> {
  const batches = batchesOf(houses, size);
  const costs: Each<number[]> = { service: [], floor: [], usual: [] };
  const runs = {
    service: batches.map(prepare.service),
    floor: batches.map(prepare.floor),
    usual: batches.map(prepare.usual),
  };
  for (let round = 0; round <= rounds; round++) {
    for (const contender of contenders) {
      const cost = await microsecondsARun(runs[contender]);
      if (round > 0) costs[contender].push(cost);
    }
  }
  return {
    size,
    service: quantile(costs.service, 0.5),
    floor: quantile(costs.floor, 0.5),
    usual: quantile(costs.usual, 0.5),
  };
}
