/**
 * How long `vi.waitFor` and `vi.waitUntil` wait for what usually takes less than a second. A busy
 * machine may stop a process for seconds.
 */
export const waitOptions = { timeout: 60_000, interval: 20 };
