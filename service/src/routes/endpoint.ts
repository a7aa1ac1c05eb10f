import type { z } from "zod";
import type { Handle } from "./exchange.ts";

/** Part of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>;

/** An OpenAPI operation. */
export interface Operation extends Json {
  readonly responses: Json;
}

/** An endpoint: its method and path, its handler, and its OpenAPI description. */
export interface Endpoint {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly handle: Handle;
  /** Returns its OpenAPI operation and the schemas it refers to. Absent for pages. */
  readonly describe?: () => {
    readonly operation: Operation;
    readonly schemas: Readonly<Record<string, z.ZodType>>;
  };
}
