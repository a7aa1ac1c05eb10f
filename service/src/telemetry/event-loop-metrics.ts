import type { Metrics } from "./metrics.ts";

const intervalMs = 100;

/**
 * Measures how late a timer fires, since other events wait equally long. The histogram of
 * `monitorEventLoopDelay` must be reset to show recent delays. This one only grows, so it can be
 * read at any time, and the histograms of several processes can be added.
 */
export function observeEventLoop(metrics: Metrics): void {
  const delays = metrics.histogram("nodejs_event_loop_delay_seconds", {});
  let due = performance.now() + intervalMs;
  setInterval(() => {
    const now = performance.now();
    delays.observe(Math.max(0, now - due) / 1000);
    due = now + intervalMs;
  }, intervalMs).unref();
  metrics.observe(
    "nodejs_event_loop_active_seconds_total",
    {},
    () => performance.eventLoopUtilization().active / 1000,
  );
}
