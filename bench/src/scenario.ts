import type { Section } from "./report.ts";

/** Takes what a scenario is doing, in a line, for whoever waits. */
export type Tell = (progress: string) => void;

/**
 * Starts what it needs, measures, and stops all of it.
 *
 * @throws {LeftOut} where the machine lacks what it needs
 * @throws {Error} where a run is void: it measured something else than it says
 */
export type Scenario = (tell: Tell) => Promise<Section>;

/** A scenario needs what this machine lacks; the message says what. */
export class LeftOut extends Error {}
