import { Child } from "../child.ts";
import { cpuMs, type Server } from "../server.ts";
import { type Figures, type ReportProgress, type Row, takeTurns } from "../turns.ts";
import { type Load, Measurement } from "./run-load.ts";

type LoadOnServer = Omit<Load, "origin">;

/** Loads of bodies that are in the cache, or not. `X-Cache` of each response is checked. */
export const hit = { known: 1, cache: "HIT" } as const;
export const miss = { known: 0, cache: "MISS" } as const;

/** The figures of a load, in the order of a table's columns. */
export const pace = [
  "requests/s",
  "CPU ms",
  "p50 ms",
  "p99 ms",
  "client cores",
  "wrong X-Cache, %",
];

/** One kind of request to one server. */
export interface Entry {
  readonly labels: Row;
  readonly server: Server;
  readonly load: LoadOnServer;
}

/** A process that sends requests to servers. */
export class Client extends Child {
  constructor(core?: number) {
    super("load/client-process.ts", core);
  }

  async measure({ port }: Server, load: LoadOnServer): Promise<Measurement> {
    return Measurement.parse(await this.ask({ ...load, origin: `http://127.0.0.1:${port}` }));
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

  /** Measures servers in turn; see {@link takeTurns}. */
  race(entries: readonly Entry[], report: ReportProgress, rounds: number): Promise<readonly Row[]> {
    const contenders = entries.map(({ labels, server, load }) => ({
      labels,
      run: () => this.drive(server, load),
    }));
    return takeTurns(contenders, report, rounds);
  }
}
