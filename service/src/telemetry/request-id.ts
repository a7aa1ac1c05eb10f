import { randomUUID } from "node:crypto";

const sane = /^[\w\-=.:/+]{1,255}$/;

/** The id that a client has sent, where it is fit for headers and logs, else a new one. */
export function requestIdOf(sent: string | undefined): string {
  return sent !== undefined && sane.test(sent) ? sent : randomUUID();
}
