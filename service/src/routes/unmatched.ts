import { refusal } from "../wire/refusal.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Handle } from "./exchange.ts";

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Avoids a regular expression, which would try to match at every slash. */
function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/**
 * Characters that Starlette percent-encodes in `Location`: all except those of RFC 3986 and `%`.
 */
const unsafe = /[^\w\-.~:/?#[\]@!$&'()*+,;=%]/g;

/** The percent-encoding of each byte. */
const encodings = Array.from({ length: 256 }, (_, byte) => {
  const hex = byte.toString(16).toUpperCase();
  return `%${hex.padStart(2, "0")}`;
});

/**
 * @param target part of a request target, in which Node.js represents each byte by one character
 */
function percentEncoded(target: string): string {
  return target.replace(unsafe, (character) => encodings[character.charCodeAt(0)] ?? character);
}

/** Returns a pattern for all paths of a route. */
function patternOf(path: string): RegExp {
  const parts = path.split(/:\w+/).map(RegExp.escape);
  return new RegExp(`^${parts.join("[^/]+")}$`);
}

/**
 * Handles requests that match no route, like FastAPI: a known path with trailing slashes is
 * redirected with 307, a known path with another method gets 405, everything else 404.
 */
export function answerUnmatched(endpoints: readonly Pick<Endpoint, "method" | "path">[]): Handle {
  const routes = endpoints.map(({ method, path }) => ({
    pattern: patternOf(path),
    allow: method === "GET" ? "GET, HEAD" : method,
  }));
  return function answerUnmatched(c) {
    const path = decode(c.req.path);
    const canonical = path && withoutTrailingSlashes(path);
    const route =
      canonical === undefined ? undefined : routes.find(({ pattern }) => pattern.test(canonical));
    if (canonical === undefined || route === undefined) throw refusal(404, "Not Found");
    if (path !== canonical) {
      // Not the query of the parsed URL, in which some characters are encoded differently.
      const asSent = c.env?.incoming?.url ?? c.req.url;
      const [query = ""] = /\?[^#]+/.exec(asSent) ?? [];
      const location = canonical + percentEncoded(query);
      return { status: 307, body: null, headers: { Location: location, "Content-Length": "0" } };
    }
    throw refusal(405, "Method Not Allowed", { Allow: route.allow });
  };
}
