import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { pin, stopper } from "./server.ts";

/** A program of the benchmark in its own process. It answers each message with a message. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #stop: () => Promise<void>;

  constructor(module: string, core?: number) {
    this.process = fork(join(import.meta.dirname, module));
    this.#stop = stopper(this.process);
    if (core !== undefined) pin(this.process.pid, core);
  }

  /**
   * Sends a message, and waits for the answer.
   *
   * @throws {Error} if the process ends instead of answering
   */
  async ask(message: object): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const exit = (code: number | null, signal: string | null) =>
      reject(new Error(`${this.process.spawnargs.at(-1)} ended: ${signal ?? code}`));
    this.process.once("message", resolve).once("exit", exit).send(message);
    return promise.finally(() => this.process.off("exit", exit));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}
