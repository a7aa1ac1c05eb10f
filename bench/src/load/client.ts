import { fork } from "node:child_process";
import { join } from "node:path";
import { cpuMs, pin, type Server, stopper } from "../server.ts";
import type { Figures } from "../turns.ts";
import { type Load, Measurement } from "./run-load.ts";

/** A load, without the server's address. */
export type LoadOnServer = Omit<Load, "origin">;

/** Writes faults or outcomes with their numbers, such as `503 ×2, lost ×1`. */
export const countsText = (counts: Readonly<Record<string, number>>, prefix = ""): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${prefix}${name} ×${count}`)
    .join(", ");

/** A process that sends requests to servers. */
export class Client implements AsyncDisposable {
  // Unlike JSON, it has NaN.
  readonly #process = fork(join(import.meta.dirname, "client-process.ts"), {
    serialization: "advanced",
  });
  readonly pid = Number(this.#process.pid);
  readonly [Symbol.asyncDispose] = stopper(this.#process);

  constructor(core?: number) {
    if (core !== undefined) pin(this.pid, core);
  }

  /** Sends a load. @throws {Error} if the process ends before the load does */
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

  /** Measures a load, at most three times. @throws {Error} if 1 % of the responses are always wrong */
  async drive(server: Server, load: LoadOnServer, attempts = 3): Promise<Figures> {
    const before = cpuMs(server);
    const { figures, faults } = await this.measure(server, load);
    const { requests, right } = figures;
    if (right > 0.99 * requests) {
      const wrong = (1 - right / requests) * 100;
      return { ...figures, "CPU ms": (cpuMs(server) - before) / requests, "wrong, %": wrong };
    }
    if (attempts > 1) return await this.drive(server, load, attempts - 1);
    throw new Error(`of ${requests} responses, these were wrong: ${countsText(faults)}`);
  }
}
