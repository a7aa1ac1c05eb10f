/**
 * What the init containers run, in the shell of busybox 1.37. The lines read `REDIS_HOST` and
 * `REDIS_PORT`, and where they authenticate `REDIS_USERNAME` and `REDIS_PASSWORD`; they end with
 * status 0 once the check has passed and never before, and their log holds no secret.
 */

const waitFor = (check: string, waiting: string, passed: string) =>
  `until ${check}; do echo "${waiting}"; sleep 1; done\necho "${passed}"`;

/**
 * Waits until the name of Redis resolves. The name must be a full one: for a short one, busybox's
 * nslookup asks with each search suffix and fails if any of them is unknown.
 */
export const verifyRedisDns = `
case "$(echo "$REDIS_HOST" | tr -d 0-9.)" in
  "" | *:*) echo "$REDIS_HOST is an address: there is no name to look up"; exit 0 ;;
esac
${waitFor(
  'nslookup "$REDIS_HOST" >/dev/null 2>&1',
  "waiting for the name $REDIS_HOST to resolve",
  "$REDIS_HOST resolves",
)}
`.trim();

/** Writes one command in Redis's protocol. Lengths are in bytes, whatever the image's locale is. */
const request = `
LC_ALL=C
request() {
  printf '*%s\\r\\n' "$#"
  for word; do printf '$%s\\r\\n%s\\r\\n' "\${#word}" "$word"; done
}
`.trim();

const address = "$REDIS_HOST:$REDIS_PORT";

/**
 * Waits until Redis takes the password and answers PONG: a wrong or missing password, a Redis that
 * still loads its data, one that is absent and one that is silent all fail the check.
 * `timeout` is there because nc's own limit covers connecting alone.
 */
export const verifyRedisReady = `
${request}
ping() {
  { request AUTH "$REDIS_USERNAME" "$REDIS_PASSWORD"; request PING; request QUIT; } |
    timeout 5 nc -w 3 "$REDIS_HOST" "$REDIS_PORT" | grep -q '^+PONG'
}
${waitFor("ping", `waiting for Redis at ${address} to answer PONG`, `Redis at ${address} answers PONG`)}
`.trim();

/**
 * The same over TLS, but without the password: busybox's `ssl_client` verifies no certificate, so
 * whoever sits in between would learn it. A Redis that asks for it (`-NOAUTH`) is there and speaks
 * TLS; that the password is right is for the service to find out, which does verify.
 */
export const verifyRedisReadyOverTls = `
export REDIS_HOST
ping() {
  timeout 5 nc -w 3 "$REDIS_HOST" "$REDIS_PORT" -e sh -c '
    exec 3<&0
    printf "PING\\r\\nQUIT\\r\\n" | ssl_client -s 3 -n "$REDIS_HOST" | grep -qE "^(\\+PONG|-NOAUTH)"'
}
${waitFor(
  "ping",
  `waiting for Redis at ${address} to answer over TLS`,
  `Redis at ${address} answers over TLS`,
)}
`.trim();
