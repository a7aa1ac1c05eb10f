import type { z } from "zod";
import type { Handle } from "./exchange.ts";

/** Part of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>;

/** An endpoint: where it is, what it does, and what the OpenAPI document says of it. */
export interface Endpoint {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly handle: Handle;
  /** Its OpenAPI operation, and the schemas that this refers to by name; nothing for a page. */
  readonly describe?: () => {
    readonly operation: Json;
    readonly schemas: Readonly<Record<string, z.ZodType>>;
  };
}
