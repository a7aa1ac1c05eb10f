// One of several processes that serve one port. A terminal, or systemd, sends a signal to all
// processes of a service. Workers ignore it and wait for the message of the primary process.
let stop: (signal: NodeJS.Signals) => void = () => process.exit(0);
process.on("SIGTERM", () => {});
process.on("SIGINT", () => {});
process.on("message", (message) => {
  if (message === "SIGTERM" || message === "SIGINT") stop(message);
});

const { start } = await import("../start.ts");
const { collectFrom } = await import("./report-collector.ts");
const { QuestionChannel } = await import("./question-channel.ts");
stop = await start((report) => {
  const primary = new QuestionChannel({
    send: (message) => process.send?.(message),
    answer: report,
  });
  process.on("message", (message) => primary.receive(message));
  return collectFrom(primary);
});
