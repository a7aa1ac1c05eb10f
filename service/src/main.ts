// Nothing is imported before a stop signal is handled: as PID 1, the process ignores signals that it
// does not handle, and importing the service takes a while.
let stop: (signal: NodeJS.Signals) => void = () => process.exit(0);
process.on("SIGTERM", (signal) => stop(signal));
process.on("SIGINT", (signal) => stop(signal));

const { startService } = await import("./service.ts");
stop = await startService();
