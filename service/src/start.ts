import { ConfigError, readConfig } from "./config.ts";
import { ModelError } from "./model/model-error.ts";
import type { CollectReports, ProcessReport } from "./telemetry/process-report.ts";

/** Drains the service and exits the process. A second call exits immediately. */
export type Stop = (signal: NodeJS.Signals) => void;

/**
 * Returns what collects the reports of all processes.
 *
 * @param report returns the report of this process
 */
export type ConnectReports = (report: () => ProcessReport) => CollectReports;

/**
 * Starts the service, in this process or in several. If the settings or the model are invalid,
 * prints why and exits with status 1.
 */
export async function start(
  connectReports: ConnectReports = (report) => async () => [report()],
): Promise<Stop> {
  try {
    const config = readConfig();
    if (config.WORKERS > 1) {
      const { startWorkers } = await import("./workers/primary.ts");
      return await startWorkers(config);
    }
    const { startService } = await import("./service.ts");
    return await startService(config, connectReports);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof ModelError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
