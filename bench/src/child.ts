import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pin, stopper } from "./server.ts";

/** A program of the benchmark in a process of its own, which answers each message with another. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #stop: () => Promise<void>;

  /** @param module its path in this folder */
  constructor(module: string, core?: number) {
    this.process = fork(join(import.meta.dirname, module));
    this.#stop = stopper(this.process);
    if (core !== undefined) pin(this.process.pid, core);
  }

  /** @throws if the process ends instead of answering */
  async ask(message: object): Promise<unknown> {
    const waiting = new AbortController();
    const exit = () => waiting.abort();
    this.process.once("exit", exit).send(message);
    const [answer] = await once(this.process, "message", { signal: waiting.signal });
    this.process.off("exit", exit);
    return answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}
