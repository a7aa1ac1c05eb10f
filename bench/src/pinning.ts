import { execFileSync, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { LeftOut } from "./scenario.ts";
import type { Server } from "./servers.ts";

/** @throws {LeftOut} where processes can't be pinned to one of two cores */
export function demandPinning(): void {
  if (availableParallelism() < 2) throw new LeftOut("it needs two cores");
  if (spawnSync("taskset", ["--version"]).error) throw new LeftOut("there is no taskset");
}

/** Keeps all threads of a process to one core. */
export function pin({ process }: Server, core: number): void {
  const options = ["--all-tasks", "--cpu-list", "--pid", String(core), String(process.pid)];
  execFileSync("taskset", options, { stdio: ["ignore", "ignore", "inherit"] });
}

/** A command line that keeps to one core. */
export const pinned = (core: number, command: readonly string[]): [string, string[]] => [
  "taskset",
  ["--cpu-list", String(core), ...command],
];
