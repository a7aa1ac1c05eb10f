import * as pulumi from "@pulumi/pulumi";
import { parseRedisUrl, RedisUrlError } from "../service/src/redis-url.ts";

/** The address of a Redis that runs outside the stack. The URL and the credentials are secret. */
export interface ManagedRedisAddress {
  readonly url: pulumi.Output<string>;
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: pulumi.Output<string>;
  readonly password: pulumi.Output<string>;
}

/**
 * Parses the URL of a Redis as the service does, and refuses a Unix socket, which pods can't reach.
 *
 * @throws {RedisUrlError} naming the invalid part, without the URL
 */
export function parseManagedRedisUrl(text: string): ManagedRedisAddress {
  const address = parseRedisUrl(text);
  if (address.scheme === "unix") throw new RedisUrlError("scheme", "redis:// or rediss://");
  const { scheme, host, port, username, password } = address;
  return {
    url: pulumi.secret(text),
    host,
    port,
    tls: scheme === "rediss",
    username: pulumi.secret(username || "default"),
    password: pulumi.secret(password),
  };
}
