import { z } from "zod";

/** What the scenario tells the hostile clients. */
export const Order = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("prepare"),
    name: z.string(),
    fuzzed: z.number(),
    seed: z.number(),
  }),
  z.object({
    kind: z.literal("send"),
    port: z.number(),
    clients: z.number(),
    /** Of each client, at least; and for so many seconds. */
    rounds: z.number(),
    seconds: z.number(),
  }),
]);
export type Order = z.infer<typeof Order>;

/** How often each outcome occurred: a status, `refused`, `lost` or `left`. */
export const Outcomes = z.record(z.string(), z.number());
export type Outcomes = z.infer<typeof Outcomes>;

/** What the other clients saw in the meantime. */
export const Observed = z.object({
  requestsPerSecond: z.number(),
  p99Ms: z.number(),
  worstMs: z.number(),
  worstHealthMs: z.number(),
  /** How often a response was not a 200 with `X-Cache: MISS`, or a probe's not a 200. */
  faults: Outcomes,
});
export type Observed = z.infer<typeof Observed>;
