import { pino } from "pino";
import { expect, test } from "vitest";
import { createAccessLog } from "../src/telemetry/access-log.ts";

function logs(level: string) {
  const written: string[] = [];
  const lines = { write: (line: string) => void written.push(line) };
  const logger = pino({ level }, lines);
  return { written, logger, accessLog: createAccessLog(logger, lines) };
}

const line = {
  requestId: "a-1",
  method: "POST",
  path: '/pre"dict\\é\n',
  route: "/*",
  status: 200,
  durationMs: 0.25,
};

test.each([line, { ...line, path: "/predict", route: "/predict" }])(
  "the access log writes the same lines as the logger",
  (each) => {
    const { written, logger, accessLog } = logs("info");
    accessLog(each);
    logger.info(each, "request");
    const [own = "", its = ""] = written.map((text) => text.replace(/"time":\d+/, '"time":0'));
    expect(own).toBe(its);
  },
);

test("health checks are logged only at level debug, and no requests are logged above info", () => {
  const healthCheck = { ...line, path: "/health", route: "/health" };
  for (const [level, expected] of [
    ["debug", 2],
    ["info", 1],
    ["warn", 0],
  ] as const) {
    const { written, accessLog } = logs(level);
    accessLog(healthCheck);
    accessLog(line);
    expect(written).toHaveLength(expected);
  }
});
