/**
 * The shell scripts of the init containers, for busybox 1.37. They read `REDIS_HOST` and
 * `REDIS_PORT`, and `REDIS_USERNAME` and `REDIS_PASSWORD` if they authenticate. They exit with
 * status 0 once the check passes. They log no secret.
 */

const waitFor = (check: string, waiting: string, passed: string) =>
  `until ${check}; do echo "${waiting}"; sleep 1; done\necho "${passed}"`;

/**
 * Waits until the name of Redis resolves. It must be a full name: with a short name, busybox's
 * nslookup tries each search suffix, and fails if one of these names is unknown.
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

/**
 * A function that writes a command in the protocol of Redis. In the C locale, `${#word}` is a
 * length in bytes.
 */
const request = `
LC_ALL=C
request() {
  printf '*%s\\r\\n' "$#"
  for word; do printf '$%s\\r\\n%s\\r\\n' "\${#word}" "$word"; done
}
`.trim();

const address = "$REDIS_HOST:$REDIS_PORT";

/**
 * Waits until Redis accepts the password and answers PONG. The check fails if the password is wrong
 * or missing, if Redis is still loading its data, if it is not running and if it does not reply.
 * `-w` of nc limits only the connection attempt, so `timeout` limits the rest.
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
 * Waits until Redis answers over TLS. It does not send the password, because busybox's `ssl_client`
 * verifies no certificate. So `-NOAUTH` passes the check, too. The service verifies the certificate
 * and sends the password.
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
