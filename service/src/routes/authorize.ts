import type { AccessGroup } from "../access/groups.ts";
import { refusal } from "../wire/refusal.ts";
import { requestHeader } from "../wire/sent-request.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Handle } from "./exchange.ts";

/** Who may call which endpoints. */
export interface Access {
  /** The groups of endpoints that require a token. */
  readonly groups: ReadonlySet<AccessGroup>;
  readonly tokens: { has(token: string): boolean };
}

/** Returns whether requests to an endpoint need a token. */
export function needsToken(access: Access | undefined, { group = "api" }: Endpoint): boolean {
  return access?.groups.has(group) ?? false;
}

/** Like FastAPI, accepts the name of the scheme in any case, and spaces around the token. */
function bearerToken(authorization = ""): string | undefined {
  const [scheme, token] = authorization.split(/ (.*)/s);
  return scheme?.toLowerCase() === "bearer" ? token?.trim() : undefined;
}

/**
 * Returns the handler of an endpoint. If the endpoint needs a token, a request without a valid one
 * gets 401 before its body is read.
 */
export function authorized(access: Access | undefined, endpoint: Endpoint): Handle {
  const { handle } = endpoint;
  if (access === undefined || !needsToken(access, endpoint)) return handle;
  return function authorize(c) {
    const token = bearerToken(requestHeader(c, "authorization"));
    if (token === undefined || !access.tokens.has(token)) {
      throw refusal(401, "Not authenticated", { "WWW-Authenticate": "Bearer" });
    }
    return handle(c);
  };
}
