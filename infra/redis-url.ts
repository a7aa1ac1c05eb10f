import * as pulumi from "@pulumi/pulumi";

/** A Redis that somebody else runs, as its URL tells; who may use it is secret, where it is not. */
export interface RedisUrl {
  readonly url: pulumi.Output<string>;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: pulumi.Output<string>;
  readonly password: pulumi.Output<string>;
}

const defaultPort = 6379;

/**
 * Takes the URL of a Redis apart.
 *
 * @throws saying what is allowed, without a word of the URL
 */
export function parseRedisUrl(text: string): RedisUrl {
  const url = URL.parse(text);
  if (
    url === null ||
    !["redis:", "rediss:"].includes(url.protocol) ||
    !/^[\w.-]+$/.test(url.hostname)
  ) {
    throw new Error(
      "redis[s]://[user:password@]host[:port][/database], host a name or IPv4 address",
    );
  }
  const credentials = [url.username, url.password].map(decodeURIComponent);
  if (!credentials.every((text) => /^[\x20-\x7e]*$/.test(text))) {
    throw new Error("a URL whose user and password are of printable ASCII");
  }
  const [username = "", password = ""] = credentials;
  return {
    url: pulumi.secret(text),
    host: url.hostname,
    port: url.port === "" ? defaultPort : Number(url.port),
    tls: url.protocol === "rediss:",
    username: pulumi.secret(username || "default"),
    password: pulumi.secret(password),
  };
}
