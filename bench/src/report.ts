import { z } from "zod";

/** A figure is a number, which the report rounds to three digits; all else is text. */
const Cell = z.union([z.string(), z.number()]);
export type Cell = z.infer<typeof Cell>;

const Verdict = z
  .object({
    /** What is judged: `10 houses, memory hit`. */
    what: z.string(),
    /** What the figure is: `requests/s to bare Hono's`, `p99 in ms`. */
    measure: z.string(),
    figure: z.number(),
    bound: z.enum(["at least", "at most"]),
    target: z.number(),
  })
  .readonly();
/** A figure that must be reached, and whether it is. */
export type Verdict = z.infer<typeof Verdict>;

const BarChart = z
  .object({
    kind: z.literal("bars"),
    /** File name without its ending. */
    name: z.string(),
    title: z.string(),
    unit: z.string(),
    scale: z.enum(["linear", "log"]),
    labels: z.array(z.string()).readonly(),
    series: z
      .array(z.object({ name: z.string(), values: z.array(z.number()).readonly() }).readonly())
      .readonly(),
  })
  .readonly();
/** One group of bars a label, one bar in it a series. */
export type BarChart = z.infer<typeof BarChart>;

const Point = z.tuple([z.number(), z.number()]).readonly();

const LineChart = z
  .object({
    kind: z.literal("lines"),
    /** File name without its ending. */
    name: z.string(),
    title: z.string(),
    /** What each axis shows, with its unit. */
    x: z.string(),
    y: z.string(),
    series: z
      .array(z.object({ name: z.string(), points: z.array(Point).readonly() }).readonly())
      .readonly(),
  })
  .readonly();
/** Lines over two logarithmic axes. */
export type LineChart = z.infer<typeof LineChart>;

/** A picture of some of a section's figures. */
export type Chart = BarChart | LineChart;

export const Section = z
  .object({
    /** The scenario, as on the command line. */
    name: z.string(),
    title: z.string(),
    /** What was measured, and how; Markdown. */
    about: z.string(),
    columns: z.array(z.string()).readonly(),
    rows: z.array(z.array(Cell).readonly()).readonly(),
    charts: z.array(z.discriminatedUnion("kind", [BarChart, LineChart])).readonly(),
    verdicts: z.array(Verdict).readonly(),
  })
  .readonly();
/** What a scenario found: one source for the terminal, the JSON file and the documentation. */
export type Section = z.infer<typeof Section>;
