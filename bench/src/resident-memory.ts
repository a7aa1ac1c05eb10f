import { readFileSync } from "node:fs";
import type { Server } from "./servers.ts";

/** MiB of memory that a process has resident, by the kernel's accounting (`man 5 proc`). */
export interface ResidentMemory {
  readonly now: number;
  /** The most that there ever was. */
  readonly peak: number;
}

/** @throws where the process is gone, or the system is not Linux */
export function residentMiB({ process }: Server): ResidentMemory {
  const status = readFileSync(`/proc/${process.pid}/status`, "utf8");
  function field(name: string): number {
    const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status) ?? [];
    if (kibibytes === undefined) throw new Error(`process ${process.pid} has no ${name}`);
    return Number(kibibytes) / 1024;
  }
  return { now: field("VmRSS"), peak: field("VmHWM") };
}
