import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { z } from "zod";
import { freePort } from "../../../bench/src/server.ts";
import { testNeeding } from "../../../test/prerequisite.ts";
import { rulesFile } from "./generated-files.ts";

const isInstalled = ["prometheus", "promtool"].every(
  (command) => spawnSync(command, ["--version"]).error === undefined,
);

/** A test that needs `prometheus` and `promtool` on the PATH. */
export const prometheusTest = testNeeding(isInstalled);

const Labels = z.record(z.string(), z.string());
const Sample = z.tuple([z.number(), z.string().transform(Number)]);

const Vector = z.object({
  data: z.object({ result: z.array(z.object({ metric: Labels, value: Sample })) }),
});

const Matrix = z.object({
  data: z.object({ result: z.array(z.object({ metric: Labels, values: z.array(Sample) })) }),
});

const Rules = z.object({
  data: z.object({
    groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })),
  }),
});

/** The points of a series: seconds since 1970, and values. */
export interface Line {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
}
