import { parseArgs } from "node:util";
import { driveLoad, type LoadReport } from "./deployed-load.ts";

const worstP99 = 500;
const { stdout, stderr } = process;

const usage = `Usage: ./run.sh load [OPTION…]

  --url URL       address of the service (default: the one that ./run.sh up deployed)
  --clients N     number of clients, 1 to 10000 (default 100)
  --seconds N     duration of each run, 1 to 3600 (default 15)
  --cache-rate R  share of requests for a known house, 0 to 1; one run for each
                  (default 0, 0.5, 0.9 and 1)
  --help          show this text
`;

function number(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (value >= minimum && value <= maximum) return value;
  throw new Error(`${name}: found ${text}; allowed: a number from ${minimum} to ${maximum}`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      url: { type: "string" },
      clients: { type: "string", default: "100" },
      seconds: { type: "string", default: "15" },
      "cache-rate": { type: "string", multiple: true, default: ["0", "0.5", "0.9", "1"] },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { url, help } = values;
  if (url !== undefined && !URL.canParse(url)) {
    throw new Error(`--url: found ${url}; allowed: a URL such as http://127.0.0.1:8000`);
  }
  return {
    url,
    help,
    clients: number("--clients", values.clients, 1, 10_000),
    seconds: number("--seconds", values.seconds, 1, 3600),
    rates: values["cache-rate"].map((rate) => number("--cache-rate", rate, 0, 1)),
  };
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

async function run(url: string, { clients, seconds, rates }: ReturnType<typeof readOptions>) {
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

/** Prints the problem and, if the options are wrong, the usage. */
function fail(status: 1 | 2, message: string): void {
  stderr.write(status === 2 ? `${message}\n${usage}` : `${message}\n`);
  process.exitCode = status;
}

async function main(): Promise<void> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    fail(2, error.message);
    return;
  }
  const { help, url } = options;
  if (help) {
    stdout.write(usage);
    return;
  }
  if (url === undefined) {
    fail(
      1,
      "No deployed service responds. Deploy it with ./run.sh up, or name another with --url.",
    );
    return;
  }
  try {
    await run(url, options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { message, cause = "" } = error;
    fail(1, `The load test of ${url} failed: ${message} ${cause}`);
  }
}

await main();
