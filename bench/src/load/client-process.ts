import { Load, runLoad } from "./run-load.ts";

// A process of its own, so that the client has a thread of its own. Each message is a load, and is
// answered with a measurement. The message "stop" ends the load.
let running = new AbortController();

process.on("message", async (message) => {
  if (message === "stop") return running.abort();
  running = new AbortController();
  process.send?.(await runLoad(Load.parse(message), running.signal));
});
