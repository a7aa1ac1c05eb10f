import { readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { describeMachine } from "./machine.ts";
import { Section } from "./report.ts";

const Result = z
  .object({
    section: Section,
    /** The day, as 2026-12-31. */
    date: z.iso.date(),
    machine: z.string(),
  })
  .readonly();

/** A section, and when and where it was measured. */
export type Result = z.infer<typeof Result>;

const Results = z.array(Result).readonly();

/** A section that was measured just now, on this machine. */
export function measuredNow(section: Section): Result {
  return { section, date: new Date().toISOString().slice(0, 10), machine: describeMachine() };
}

/**
 * The results that were written before.
 *
 * @throws where the file holds something else
 */
export function readResults(path: string): readonly Result[] {
  return Results.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** @throws where a figure is not a finite number */
export function writeResults(path: string, results: readonly Result[]): void {
  writeFileSync(path, `${JSON.stringify(Results.parse(results), null, 2)}\n`);
}

/**
 * Puts results in the place of those of the same name.
 *
 * @param order all names; what has another one is dropped
 */
export function renewed(
  before: readonly Result[],
  now: readonly Result[],
  order: readonly string[],
): readonly Result[] {
  const byName = new Map([...before, ...now].map((result) => [result.section.name, result]));
  return order.flatMap((name) => byName.get(name) ?? []);
}
