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

/** Without a regular expression, which would try to match at every slash of the path. */
function withoutTrailingSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === "/") end--;
  return path.slice(0, end);
}

/** What Starlette percent-encodes in a `Location`: all but the characters of RFC 3986, and `%`. */
const unsafe = /[^\w\-.~:/?#[\]@!$&'()*+,;=%]/g;

/** The percent-encoding of each byte. */
const encodings = Array.from({ length: 256 }, (_, byte) => {
  const hex = byte.toString(16).toUpperCase();
  return `%${hex.padStart(2, "0")}`;
});

/** @param target a part of a request target, in which Node.js has each byte as one character */
function percentEncoded(target: string): string {
  return target.replace(unsafe, (character) => encodings[character.charCodeAt(0)] ?? character);
}

/**
 * Answers requests that no route matches, as FastAPI does: 307 from a known path with trailing
 * slashes to the path without, 405 for a known path with another method, otherwise 404.
 */
export function answerUnmatched(endpoints: readonly Pick<Endpoint, "method" | "path">[]): Handle {
  const allowed = new Map(
    endpoints.map(({ method, path }) => [path, method === "GET" ? "GET, HEAD" : method]),
  );
  return function answerUnmatched(c) {
    const path = decode(c.req.path);
    const canonical = path && withoutTrailingSlashes(path);
    const allow = canonical === undefined ? undefined : allowed.get(canonical);
    if (canonical === undefined || allow === undefined) throw refusal(404, "Not Found");
    if (path !== canonical) {
      // The URL's own query is not as sent: the URL parser encodes some characters its own way.
      const asSent = c.env?.incoming?.url ?? c.req.url;
      const [query = ""] = /\?[^#]+/.exec(asSent) ?? [];
      const location = canonical + percentEncoded(query);
      return { status: 307, body: null, headers: { Location: location } };
    }
    throw refusal(405, "Method Not Allowed", { Allow: allow });
  };
}
