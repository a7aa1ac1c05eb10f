import { Load, runLoad } from "./run-load.ts";

// Sends loads from its own process, so that the client has its own thread. A message is a load, and
// its answer is a measurement. The message "stop" ends the load.
let running = new AbortController();

process.on("message", async (message) => {
  if (message === "stop") {
    running.abort();
    return;
  }
  running = new AbortController();
  process.send?.(await runLoad(Load.parse(message), running.signal));
});
