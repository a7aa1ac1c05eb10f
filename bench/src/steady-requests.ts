import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Server, stopper } from "./servers.ts";

/** A client of small requests, in a process of its own so that it takes no time from the other's. */
export interface SteadyRequests {
  /**
   * Sends `/predict` misses from before the work begins until after it has ended.
   *
   * @throws where any answer is not a 200
   */
  during<T>(work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** How it sends. */
export interface SteadyLoad {
  /** On all connections together, evenly in time, however long an answer takes. */
  readonly perSecond: number;
  readonly connections: number;
}

export function startSteadyRequests({ port }: Server, load: SteadyLoad): SteadyRequests {
  const path = fileURLToPath(new URL("steady-client.ts", import.meta.url));
  const child = fork(path, [JSON.stringify({ port, ...load })]);
  const end = once(child, "exit").then(([code]) => {
    throw new Error(`void: the client of small requests ended with ${code}`);
  });
  end.catch(() => {});
  async function tell(message: "begin" | "rest"): Promise<void> {
    const done = once(child, "message");
    child.send(message);
    await Promise.race([done, end]);
  }
  return {
    async during(work) {
      await tell("begin");
      const result = await work();
      await tell("rest");
      return result;
    },
    stop: stopper(child),
  };
}
