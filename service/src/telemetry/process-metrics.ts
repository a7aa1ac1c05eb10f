import { existsSync, readdirSync } from "node:fs";
import { version } from "../version.ts";
import type { Metrics } from "./metrics.ts";

/** One entry for each open file descriptor (Linux). */
const descriptors = "/proc/self/fd";

/** Reports the CPU time, the memory and the versions of this process. */
export function observeProcess(metrics: Metrics): void {
  const startSeconds = Date.now() / 1000 - process.uptime();
  metrics.observe("prediction_processes", {}, () => 1);
  metrics.info("prediction_build_info", () => ({ version, node: process.version }));
  metrics.observe("process_cpu_seconds_total", {}, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.observe("process_start_time_seconds", {}, () => startSeconds);
  metrics.observe("process_resident_memory_bytes", {}, () => process.memoryUsage.rss());
  metrics.observe("nodejs_heap_size_total_bytes", {}, () => process.memoryUsage().heapTotal);
  metrics.observe("nodejs_heap_size_used_bytes", {}, () => process.memoryUsage().heapUsed);
  metrics.observe("nodejs_external_memory_bytes", {}, () => process.memoryUsage().external);
  if (existsSync(descriptors)) {
    // Not counting the one that reads this folder.
    metrics.observe("process_open_fds", {}, () => readdirSync(descriptors).length - 1);
  }
}
