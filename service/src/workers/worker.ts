// One of several processes that serve one port. A terminal, or systemd, sends a signal to all
// processes of a service. Workers ignore it and wait for the message of the primary process.
let stop: (signal: NodeJS.Signals) => void = () => process.exit(0);
process.on("SIGTERM", () => {});
process.on("SIGINT", () => {});
process.on("message", (message) => stop(message === "SIGINT" ? "SIGINT" : "SIGTERM"));

const { start } = await import("../start.ts");
stop = await start();
