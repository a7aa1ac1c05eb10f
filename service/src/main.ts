// Signal handlers are installed before anything is imported. As PID 1, the process ignores signals
// without a handler, and importing the service takes a while.
let stop: (signal: NodeJS.Signals) => void = () => process.exit(0);
process.on("SIGTERM", (signal) => stop(signal));
process.on("SIGINT", (signal) => stop(signal));

const { start } = await import("./start.ts");
stop = await start();
