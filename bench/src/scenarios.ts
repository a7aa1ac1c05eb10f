import type { Scenario } from "./scenario.ts";
import { bare } from "./scenarios/bare.ts";
import { engines, inference } from "./scenarios/engines.ts";
import { faults } from "./scenarios/faults.ts";
import { hostile } from "./scenarios/hostile.ts";
import { capacity, overload, throughput, workers } from "./scenarios/load.ts";
import { peers } from "./scenarios/peers.ts";
import { soak } from "./scenarios/soak.ts";

/** In the order of the report. */
export const scenarios: readonly Scenario[] = [
  ...[peers, throughput, bare, capacity, workers, hostile, overload, faults, soak],
  ...[engines, inference],
];
