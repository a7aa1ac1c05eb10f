import { parseArgs } from "node:util";
import { runLoad } from "./load/run-load.ts";
import { tableText } from "./report/tables.ts";

const worstP99Ms = 500;
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

/** @throws {Error} if the command line is invalid */
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
  if (values.url !== undefined && URL.parse(values.url)?.protocol !== "http:") {
    throw new Error(`--url: found ${values.url}; allowed: a URL such as http://127.0.0.1:8000`);
  }
  return {
    ...values,
    clients: number("--clients", values.clients, 1, 10_000),
    seconds: number("--seconds", values.seconds, 1, 3600),
    rates: values["cache-rate"].map((rate) => number("--cache-rate", rate, 0, 1)),
  };
}

/** Sends `/health` and `/bulk_predict` with one house in turn, and prints the figures. */
async function run({ url, clients, seconds, rates }: Omit<ReturnType<typeof readOptions>, "help">) {
  if (url === undefined) {
    throw new Error(
      "No deployed service responds. Deploy it with ./run.sh up, or name another with --url.",
    );
  }
  await fetch(new URL("/health", url)).catch(({ message, cause }: Error) => {
    throw new Error(`The load test of ${url} failed: ${message} ${cause}`);
  });
  const seed = Math.floor(Math.random() * 2 ** 31);
  const load = { path: "/bulk_predict", houses: 1, healthFirst: true, clients, seconds, seed };
  const rows: string[][] = [];
  for (const known of rates) {
    const found = await runLoad({ ...load, origin: new URL(url).origin, known });
    const faults = Object.values(found.faults).reduce((sum, count) => sum + count, 0);
    const isPassed = found.p99 < worstP99Ms && faults === 0;
    if (!isPassed) process.exitCode = 1;
    rows.push([
      ...[String(known), found.requestsPerSecond.toFixed(0)],
      ...[found.p50, found.p95, found.p99].map((milliseconds) => milliseconds.toFixed(1)),
      ...[`${(found.hitShare * 100).toFixed(1)} %`, String(faults), isPassed ? "PASS" : "FAIL"],
    ]);
  }
  const columns = ["cache rate", "requests/s", "p50 ms", "p95 ms", "p99 ms", "hits", "faults", ""];
  stdout.write(`${tableText({ columns, rows })}\n`);
  stdout.write(`PASS means a p99 under ${worstP99Ms} ms and no faults.\n`);
}

async function main(): Promise<void> {
  let status: 1 | 2 = 2;
  try {
    const { help, ...options } = readOptions();
    status = 1;
    if (help) stdout.write(usage);
    else await run(options);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    stderr.write(`${error.message}\n${status === 2 ? usage : ""}`);
    process.exitCode = status;
  }
}

await main();
