import { createClient } from "redis";
import { expect, test } from "vitest";
import { fc } from "../../test/seeded-fast-check.ts";
import { parseRedisUrl, RedisUrlError } from "../src/redis-url.ts";
import { invalidRedisUrls, secret, validRedisUrls, validSocketUrls } from "./redis-url-cases.ts";

test.each(validRedisUrls)("%s is a valid Redis URL", (url, host, port, username, password) => {
  const [scheme = ""] = url.split(":");
  expect(parseRedisUrl(url)).toEqual({ scheme, host, port, username, password });
});

test.each(validSocketUrls)("%s is a valid Unix socket URL", (url) => {
  expect(parseRedisUrl(url)).toMatchObject({ scheme: "unix" });
});

test.each(invalidRedisUrls)(
  "%j is rejected because of its %s, and the URL is not shown",
  (url, part) => {
    let message = "";
    try {
      parseRedisUrl(url);
    } catch (error) {
      if (!(error instanceof RedisUrlError)) throw error;
      ({ message } = error);
    }
    expect(message).toMatch(new RegExp(`^found an invalid ${part}; allowed: \\S`));
    expect(message).not.toContain(secret);
  },
);

/** Returns the parts that the Redis client parses from a URL. */
function readByClient(url: string) {
  const { socket, username = "", password = "" } = createClient({ url }).options ?? {};
  return { ...socket, username, password };
}

const parsed = (url: string) => {
  try {
    return parseRedisUrl(url);
  } catch {
    return undefined;
  }
};

const pieces = ["u", "1", ":", "@", "/", "#", "?", "%41", "%", "[::1]", ".", "-", "é", " ", "db="];
const fragments = fc.array(fc.constantFrom(...pieces), { maxLength: 12 });
const schemes = fc.constantFrom("redis://", "rediss://", "unix://");

test("the Redis client accepts every accepted URL and parses the same parts", () => {
  let accepted = 0;
  fc.assert(
    fc.property(schemes, fragments, (scheme, rest) => {
      const url = scheme + rest.join("");
      const address = parsed(url);
      if (address === undefined) return;
      accepted += 1;
      const { username, password } = address;
      const expected =
        address.scheme === "unix"
          ? { username, password }
          : { username, password, host: address.host, tls: address.scheme === "rediss" };
      expect(readByClient(url)).toMatchObject(expected);
    }),
    { numRuns: 2_000 },
  );
  expect(accepted).toBeGreaterThan(20);
});

test("any percent-encoded password without control characters is accepted", () => {
  const passwords = fc.string({ unit: "grapheme" }).filter((text) => !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(passwords, (password) => {
      const url = `redis://:${encodeURIComponent(password)}@redis`;
      expect(parseRedisUrl(url)).toMatchObject({ password });
      expect(readByClient(url)).toMatchObject({ password });
    }),
    { numRuns: 30 },
  );
});
