import { readFileSync } from "node:fs";
import type { Server } from "./servers.ts";

/** Linux counts processor time in hundredths of a second (`man 5 proc`). */
const tickMs = 10;

/** Milliseconds of processor time that a server has used, by the kernel's accounting. */
export function cpuMs({ process }: Server): number {
  const stat = readFileSync(`/proc/${process.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}
