import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { countsText } from "../bench/src/load/client.ts";
import { runLoad } from "../bench/src/load/run-load.ts";
import { cellText, tableText } from "../bench/src/report/tables.ts";

const worstP99Ms = 500;
const usageStatus = 2;

/** Returns a parser of numbers in a range. */
const numberFrom = (minimum: number, maximum: number) => (text: string) => {
  const value = Number(text);
  if (text !== "" && value >= minimum && value <= maximum) return value;
  throw new InvalidArgumentError(`Allowed is a number from ${minimum} to ${maximum}.`);
};

function httpUrl(text: string): string {
  if (URL.parse(text)?.protocol === "http:") return text;
  throw new InvalidArgumentError("Allowed is a URL such as http://127.0.0.1:8000.");
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const rates: number[] = [];
function addRate(text: string): number[] {
  rates.push(numberFrom(0, 1)(text));
  return rates;
}

const command = new Command("./run.sh load")
  .description("Sends /health and /bulk_predict with one house in turn, and prints the figures.")
  .option("--url <url>", "address, by default of the service that ./run.sh up deployed", httpUrl)
  .option("--clients <n>", "number of clients, 1 to 10000", numberFrom(1, 10_000), 100)
  .option("--seconds <n>", "duration of each run, 1 to 3600", numberFrom(1, 3600), 15)
  .option(
    "--cache-rate <share>",
    "share of requests for a known house, 0 to 1; repeatable",
    addRate,
    [0, 0.5, 0.9, 1],
  )
  .showHelpAfterError()
  .exitOverride(({ exitCode }) => process.exit(exitCode && usageStatus))
  .parse();

const { url, clients, seconds, cacheRate } = command.opts();
if (url === undefined) {
  const advice = "Deploy it with ./run.sh up, or name another with --url.";
  fail(`No deployed service responds. ${advice}`);
}
const { origin } = new URL(url);
await fetch(`${origin}/health`).catch(({ message, cause }: Error) =>
  fail(`The load test of ${url} failed: ${message} ${cause}`),
);
const seed = Math.floor(Math.random() * 2 ** 31);
const load = { path: "/bulk_predict", houses: 1, healthFirst: true, clients, seconds, seed };
const table = [["cache rate", "requests/s", "p50 ms", "p95 ms", "p99 ms", "hits, %", "faults", ""]];
for (const known of cacheRate) {
  const { figures, faults } = await runLoad({ ...load, origin, known, cache: "HIT" });
  const { MISS = 0, BYPASS = 0, ...failures } = faults;
  // Each second request is one of /health.
  const hits = 1 - (MISS + BYPASS) / (figures.requests / 2);
  const isPassed = figures["p99 ms"] < worstP99Ms && Object.keys(failures).length === 0;
  if (!isPassed) process.exitCode = 1;
  const cells = [
    known,
    figures["requests/s"],
    figures["p50 ms"],
    figures["p95 ms"],
    figures["p99 ms"],
    100 * hits,
  ];
  table.push([...cells.map(cellText), countsText(failures), isPassed ? "PASS" : "FAIL"]);
}
process.stdout.write(`${tableText(table)}\n`);
process.stdout.write(`PASS means a p99 under ${worstP99Ms} ms and no faults.\n`);
