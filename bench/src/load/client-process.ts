import { Load, runLoad } from "./run-load.ts";

// Sends loads from a process of its own, so that the client has a thread to itself. A message is a
// load, which is answered with its measurement, or "stop", which ends the load.
let running = new AbortController();

process.on("message", async (message) => {
  if (message === "stop") {
    running.abort();
    return;
  }
  running = new AbortController();
  process.send?.(await runLoad(Load.parse(message), running.signal));
});
