import type { Logger } from "pino";

/** How a process ended. */
export interface Ending {
  /** Null if a signal ended the process. Negative if it could not be started. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that serves requests. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Settles when the process listens. */
  readonly listening: Promise<void>;
  /** Settles when the process has ended and all of its output has been read. */
  readonly ended: Promise<Ending>;
  /** Asks the process to finish its requests and exit. */
  stop(signal: NodeJS.Signals): void;
}

/** The dependencies of {@link Supervisor}. */
export interface SupervisorDependencies {
  /** The number of workers. */
  readonly count: number;
  readonly fork: () => WorkerProcess;
  readonly logger: Logger;
  /** Ends this process. Its workers exit when they lose the connection to it. */
  readonly exit: (status: number) => void;
}

const minRestartDelayMs = 100;
const maxRestartDelayMs = 30_000;
/** After listening for this long, a worker that crashes is restarted after the shortest delay. */
const healthyMs = 60_000;

/**
 * Keeps a number of workers running:
 *
 * 1. The first worker starts alone, so that an invalid setting or model is reported once. The
 *    others start when it listens.
 * 2. A worker that ends is replaced after 100 ms. The delay doubles with each crash within a
 *    minute, up to 30 s.
 * 3. If a worker ends before it listens, and no other one listens, this process exits with the same
 *    status.
 */
export class Supervisor {
  readonly #deps: SupervisorDependencies;
  readonly #workers = new Set<WorkerProcess>();
  readonly #listening = new Set<WorkerProcess>();
  #isStarted = false;
  #stopSignal: NodeJS.Signals | undefined;
  #hasFailed = false;

  constructor(deps: SupervisorDependencies) {
    this.#deps = deps;
    this.#run(0);
  }

  /** Stops all workers, and exits when the last one has ended. A second call exits immediately. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { exit } = this.#deps;
    if (this.#stopSignal) return exit(1);
    this.#stopSignal = signal;
    const workers = Array.from(this.#workers);
    for (const worker of workers) worker.stop(signal);
    await Promise.all(workers.map(({ ended }) => ended));
    exit(this.#hasFailed ? 1 : 0);
  }

  /** @param crashes how often this worker's predecessors have crashed in a row */
  async #run(crashes: number): Promise<void> {
    const { fork, logger, exit } = this.#deps;
    const worker = fork();
    this.#workers.add(worker);
    let healthyAt = Number.POSITIVE_INFINITY;
    worker.listening.then(() => {
      healthyAt = performance.now() + healthyMs;
      this.#listening.add(worker);
      this.#startOthers();
    });

    const ending = await worker.ended;
    this.#workers.delete(worker);
    this.#listening.delete(worker);
    if (this.#stopSignal) {
      // Before a worker ignores signals, a signal to all processes ends it.
      this.#hasFailed ||= ending.code !== 0 && ending.signal !== this.#stopSignal;
      return;
    }
    const found = { worker: worker.pid, ...ending };
    if (healthyAt === Number.POSITIVE_INFINITY && this.#listening.size === 0) {
      logger.fatal(found, "the worker ended before it listened");
      return exit(Math.abs(ending.code ?? 0) || 1);
    }
    const recentCrashes = performance.now() < healthyAt ? crashes : 0;
    const restartInMs = Math.min(maxRestartDelayMs, minRestartDelayMs * 2 ** recentCrashes);
    logger.error({ ...found, restartInMs }, "the worker ended");
    setTimeout(() => {
      if (!this.#stopSignal) this.#run(recentCrashes + 1);
    }, restartInMs);
  }

  #startOthers(): void {
    if (this.#isStarted || this.#stopSignal) return;
    this.#isStarted = true;
    for (let started = 1; started < this.#deps.count; started++) this.#run(0);
  }
}
