import { fork } from "node:child_process";
import { join } from "node:path";
import { cpuMs, pin, type Server, stopper } from "../server.ts";
import type { Figures } from "../turns.ts";
import { type Load, Measurement } from "./run-load.ts";

/** A load, without the server's address. */
export type LoadOnServer = Omit<Load, "origin">;

/** Writes faults or outcomes with their numbers. */
export const countsText = (counts: Readonly<Record<string, number>>, prefix = ""): string =>
  Object.entries(counts)
    .map(([name, count]) => `${prefix}${name} ×${count}`)
    .join(", ");

/** A process that sends requests to servers. */
export class Client implements AsyncDisposable {
  readonly #process = fork(join(import.meta.dirname, "client-process.ts"), {
    // Unlike JSON, it has NaN.
    serialization: "advanced",
  });
  readonly pid = Number(this.#process.pid);
  readonly [Symbol.asyncDispose] = stopper(this.#process);

  constructor(core?: number) {
    if (core !== undefined) pin(this.pid, core);
  }

  /**
   * Sends a load.
   *
   * @throws {Error} if the process ends instead of answering
   */
  async measure({ port }: Server, load: LoadOnServer): Promise<Measurement> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const exit = (code: number | null, signal: string | null) =>
      reject(new Error(`the client ended: ${signal ?? code}`));
    this.#process.once("message", resolve).once("exit", exit);
    this.#process.send({ ...load, origin: `http://127.0.0.1:${port}` });
    return Measurement.parse(await promise.finally(() => this.#process.off("exit", exit)));
  }

  /** Ends the load when the requests in flight have their responses. */
  stop(): void {
    this.#process.send("stop");
  }

  /**
   * Measures a load. If requests fail or `X-Cache` is wrong, measures it again.
   *
   * @throws {Error} if requests fail in each attempt
   */
  async drive(server: Server, load: LoadOnServer, attempts = 3): Promise<Figures> {
    const before = cpuMs(server);
    const { requestsPerSecond, requests, p50, p99, ...found } = await this.measure(server, load);
    const { HIT = 0, MISS = 0, BYPASS = 0, ...failures } = found.faults;
    const wrong = (HIT + MISS + BYPASS) / requests;
    const failed = JSON.stringify(failures);
    const isVoid = failed !== "{}" || wrong >= 0.01;
    if (isVoid && attempts > 1) return this.drive(server, load, attempts - 1);
    if (failed !== "{}") throw new Error(`void: requests to ${load.path} failed: ${failed}`);
    return {
      "requests/s": requestsPerSecond,
      "CPU ms": (cpuMs(server) - before) / requests,
      "p50 ms": p50,
      "p99 ms": p99,
      "client cores": found.clientCores,
      "wrong X-Cache, %": wrong * 100,
    };
  }
}
