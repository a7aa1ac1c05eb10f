import type { z } from "zod";
import type { AccessGroup } from "../access/groups.ts";
import type { LoadedModel } from "../model/loaded-model.ts";
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
  /** Parts that vary begin with a colon, as in `/v2/models/:name`. */
  readonly path: string;
  readonly handle: Handle;
  /** The group for which `API_TOKENS_FOR` can require a token. The default is `api`. */
  readonly group?: AccessGroup;
  /**
   * Returns its OpenAPI operation and the schemas it refers to. Absent for pages.
   *
   * @param model the default model
   */
  readonly describe?: (model: LoadedModel) => {
    readonly operation: Operation;
    readonly schemas: Readonly<Record<string, z.ZodType>>;
  };
}
