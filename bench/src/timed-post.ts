import { Agent, request } from "node:http";

/** How long an answer took. */
export interface TimedAnswer {
  /** From the request's first byte sent to the answer's last byte received. */
  readonly ms: number;
  /** What the server tells of it in `Server-Timing`, in milliseconds. */
  readonly phasesMs: Readonly<Record<string, number>>;
}

/** Posts JSON and times the answer, which it does not keep. */
export type TimedPost = (body: Uint8Array) => Promise<TimedAnswer>;

function phasesOf(serverTiming: string | string[] = ""): Record<string, number> {
  const phases = String(serverTiming).matchAll(/(\w+);dur=([\d.]+)/g);
  return Object.fromEntries(Array.from(phases, ([, name = "", ms]) => [name, Number(ms)]));
}

/**
 * A client that does as little as a client can, on connections that it keeps. It rejects where the
 * answer is not a 200, or comes from a cache: that would measure something else.
 *
 * @param connections requests beyond them wait, and their time begins when they are asked for
 */
export function timedPosts(port: number, path: string, connections: number): TimedPost {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return (body) =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      const options = { agent, host: "127.0.0.1", port, path, method: "POST", headers };
      const start = performance.now();
      const sent = request(options, (answer) => {
        const { statusCode, headers } = answer;
        if (statusCode !== 200 || headers["x-cache"] === "HIT") {
          reject(new Error(`void: ${path} answered ${statusCode} ${headers["x-cache"] ?? ""}`));
        }
        answer.on("error", reject).resume();
        answer.on("end", () => {
          const ms = performance.now() - start;
          resolve({ ms, phasesMs: phasesOf(headers["server-timing"]) });
        });
      });
      sent.on("error", reject).end(body);
    });
}
