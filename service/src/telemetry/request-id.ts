import { randomBytes } from "node:crypto";

const valid = /^[\w\-=.:/+]{1,255}$/;

/** Differs between processes. */
const prefix = randomBytes(12).toString("base64url");
let requests = 0;

/** Returns the id from the client if it is safe in headers and logs, otherwise a new one. */
export function requestIdOf(sent: string | undefined): string {
  return sent !== undefined && valid.test(sent) ? sent : `${prefix}-${++requests}`;
}
