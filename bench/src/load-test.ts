import { parseArgs } from "node:util";
import { driveLoad, type LoadReport } from "./deployed-load.ts";

// load-test.ts [--url URL] [--clients N] [--seconds N] [--cache-rate 0…1]…
const worstP99 = 500;
const { stdout, stderr } = process;

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8000" },
    clients: { type: "string", default: "100" },
    seconds: { type: "string", default: "15" },
    "cache-rate": { type: "string", multiple: true, default: ["0", "0.5", "0.9", "1"] },
  },
});

function number(text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (value >= minimum && value <= maximum) return value;
  throw new Error(`found ${text}; allowed: a number from ${minimum} to ${maximum}`);
}

function tell(cacheRate: number, passed: number, seconds: number, answers: number): void {
  const line = `cache rate ${cacheRate}: ${passed} of ${seconds} s, ${answers} answers`;
  if (stderr.isTTY) stderr.write(`\r\u001b[K${line}${passed < seconds ? "" : "\n"}`);
  else if (passed % 5 === 0) stderr.write(`${line}\n`);
}

const passes = ({ p99, faults }: LoadReport) => p99 < worstP99 && faults === 0;
const row = (cells: readonly string[]) => `${cells.map((cell) => cell.padStart(11)).join("")}\n`;

function describe(cacheRate: number, report: LoadReport): string {
  const { requestsPerSecond, p50, p95, p99, hitShare, faults } = report;
  return row([
    String(cacheRate),
    requestsPerSecond.toFixed(0),
    ...[p50, p95, p99].map((milliseconds) => milliseconds.toFixed(1)),
    `${(hitShare * 100).toFixed(1)} %`,
    String(faults),
    passes(report) ? "PASS" : "FAIL",
  ]);
}

async function main(): Promise<void> {
  const { url } = values;
  const clients = number(values.clients, 1, 10_000);
  const seconds = number(values.seconds, 1, 3600);
  const rates = values["cache-rate"].map((rate) => number(rate, 0, 1));

  let table = row(["cache rate", "requests/s", "p50 ms", "p95 ms", "p99 ms", "hits", "faults", ""]);
  for (const cacheRate of rates) {
    const report = await driveLoad({
      url,
      clients,
      seconds,
      cacheRate,
      tell: (passed, answers) => tell(cacheRate, passed, seconds, answers),
    });
    table += describe(cacheRate, report);
    if (!passes(report)) process.exitCode = 1;
  }
  stdout.write(`${table}PASS is a p99 under ${worstP99} ms with every request answered.\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const { message, cause = "" } = error;
  stderr.write(`The load test of ${values.url} can't be done: ${message} ${cause}\n`);
  process.exitCode = 1;
}
