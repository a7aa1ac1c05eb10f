import type { Scenario } from "./scenario.ts";
import { bare } from "./scenarios/bare.ts";
import { engines } from "./scenarios/engines.ts";
import { faults } from "./scenarios/faults.ts";
import { hostile } from "./scenarios/hostile.ts";
import { inference } from "./scenarios/inference.ts";
import { overload } from "./scenarios/overload.ts";
import { peers } from "./scenarios/peers.ts";
import { soak } from "./scenarios/soak.ts";
import { capacity, throughput, workers } from "./scenarios/throughput.ts";

/** In the order of the report. */
export const scenarios: readonly Scenario[] = [
  ...[peers, throughput, bare, capacity, workers, hostile, overload, faults, soak],
  ...[engines, inference],
];
