import { isIPv6 } from "node:net";

/** A Redis server that listens on a port. */
interface NetworkAddress {
  readonly scheme: "redis" | "rediss";
  /** A host name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A Redis server that listens on a Unix socket. */
interface SocketAddress {
  readonly scheme: "unix";
}

/** The parts of a Redis URL, decoded. */
export type RedisUrl = (NetworkAddress | SocketAddress) & {
  /** Empty if the URL has none. */
  readonly username: string;
  /** Empty if the URL has none. */
  readonly password: string;
};

/**
 * A part of a Redis URL is invalid. The message names the part and what is allowed. It shows no
 * text of the URL, which may contain a password.
 */
export class RedisUrlError extends Error {
  constructor(part: string, allowed: string) {
    super(`found an invalid ${part}; allowed: ${allowed}`);
  }
}

const defaultPort = 6379;
const maxPort = 65_535;
const maxDatabase = 2 ** 31 - 1;

/** Decodes percent escapes. Returns `undefined` if one is invalid, or the result is not UTF-8. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parseCredential(part: "user" | "password", text: string): string {
  const decoded = decode(text);
  if (decoded !== undefined && !/[\s/?#]/.test(text) && !/\p{Cc}/u.test(decoded)) return decoded;
  throw new RedisUrlError(
    part,
    "no control characters; a space is %20, # is %23, % is %25, / is %2F, ? is %3F",
  );
}

function parseCredentials(text: string) {
  const [, user = "", password = ""] = /^([^:]*):?(.*)$/s.exec(text) ?? [];
  return {
    username: parseCredential("user", user),
    password: parseCredential("password", password),
  };
}

function parseNumber(part: string, text: string, minimum: number, maximum: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < minimum || number > maximum) {
    throw new RedisUrlError(part, `a number from ${minimum} to ${maximum}`);
  }
  return number;
}

const parseDatabase = (text: string) => parseNumber("database", text, 0, maxDatabase);

function parseHost(text: string): string {
  if (/^\w[\w.-]*$/.test(text)) return text;
  const [, address = ""] = /^\[([0-9A-Fa-f:.]*)\]$/.exec(text) ?? [];
  if (isIPv6(address)) return address;
  throw new RedisUrlError("host", "a name, an IPv4 address, or an IPv6 address in brackets");
}

function requireNoFragment(fragment: string): void {
  if (fragment !== "") throw new RedisUrlError("fragment", "none; in a password # is %23");
}

function parseNetworkUrl(scheme: "redis" | "rediss", text: string): RedisUrl {
  const at = text.lastIndexOf("@");
  const credentials = parseCredentials(text.slice(0, Math.max(at, 0)));
  // Always matches, because each part is optional and the last one takes the rest.
  const [, host = "", port, database, query = "", fragment = ""] =
    /^(\[[^\]]*\][^:/?#]*|[^:/?#]*)(?::([^/?#]*))?(?:\/([^?#]*))?(\?[^#]*)?(.*)$/s.exec(
      text.slice(at + 1),
    ) ?? [];
  const address = {
    host: parseHost(host),
    port: port === undefined ? defaultPort : parseNumber("port", port, 1, maxPort),
  };
  if (database) parseDatabase(database);
  if (query !== "") throw new RedisUrlError("query", "none");
  requireNoFragment(fragment);
  return { scheme, ...address, ...credentials };
}

function parseSocketUrl(text: string): RedisUrl {
  const [, credentials, path = "", query, fragment = ""] =
    /^(?:([^@/]*)@)?([^?#]*)(?:\?([^#]*))?(.*)$/s.exec(text) ?? [];
  if (!/^\/\S+$/.test(path) || decode(path) === undefined) {
    throw new RedisUrlError("path", "an absolute path; a space is %20, % is %25");
  }
  if (query !== undefined) {
    const [, database] = /^db=(.*)$/.exec(query) ?? [];
    if (database === undefined) throw new RedisUrlError("query", "none, or ?db=DATABASE");
    parseDatabase(database);
  }
  requireNoFragment(fragment);
  return { scheme: "unix", ...parseCredentials(credentials ?? "") };
}

/**
 * Parses a Redis URL: `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://…` for
 * TLS, or `unix://[USER:PASSWORD@]/PATH[?db=DATABASE]` for a socket. User and password are
 * percent-encoded.
 *
 * @throws {RedisUrlError} if a part is invalid
 */
export function parseRedisUrl(text: string): RedisUrl {
  const [, scheme, rest = ""] = /^(rediss?|unix):\/\/(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case "redis":
    case "rediss":
      return parseNetworkUrl(scheme, rest);
    case "unix":
      return parseSocketUrl(rest);
    default:
      throw new RedisUrlError("scheme", "redis://, rediss:// or unix://");
  }
}
