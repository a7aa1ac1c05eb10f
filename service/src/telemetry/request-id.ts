import { randomUUID } from "node:crypto";

const valid = /^[\w\-=.:/+]{1,255}$/;

/** Returns the id from the client if it is safe in headers and logs, otherwise a new one. */
export function requestIdOf(sent: string | undefined): string {
  return sent !== undefined && valid.test(sent) ? sent : randomUUID();
}
