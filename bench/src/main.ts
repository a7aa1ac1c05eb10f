import { cpus, release, totalmem } from "node:os";
import { inspect, parseArgs } from "node:util";
import { checkout } from "./houses.ts";
import { writeDocuments } from "./report/documents.ts";
import { judge, rowTable, tableText } from "./report/tables.ts";
import type { Options } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { LeftOut } from "./server.ts";

const usage = `Usage: pnpm bench [SCENARIO…] [OPTION…]
       pnpm bench hostile [BODY…] [OPTION…]

Runs the named scenarios, or all: ${scenarios.map(({ name }) => name).join(", ")}.
The exit status is 1 if a target is missed or a scenario fails.

  --write         write the results to README.md, docs/benchmarks.md and docs/benchmarks/
  --render        write these files again without measuring
  --rounds N      rounds of each comparison (default 5)
  --against DIR   bare: measure another checkout in the same run
  BODY            hostile: send only bodies whose name contains this
  --fuzz N        hostile: number of random bodies (default 20)
  --seed N        hostile: seed of the random bodies (default 1)
  --seconds N     hostile: how long one client sends a body (default 3)
  --minutes N     soak: how long it lasts (default 10)
`;

const { stdout, stderr } = process;
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const print = (text: string) => stdout.write(`${stderr.isTTY ? "\r\u001b[K" : ""}${text}\n\n`);

/** @throws {Error} if the command line is invalid */
function readCommandLine() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      write: { type: "boolean", default: false },
      render: { type: "boolean", default: false },
      rounds: { type: "string", default: "5" },
      against: { type: "string" },
      fuzz: { type: "string", default: "20" },
      seed: { type: "string", default: "1" },
      seconds: { type: "string", default: "3" },
      minutes: { type: "string", default: "10" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const count = (name: "rounds" | "fuzz" | "seed" | "seconds" | "minutes") => {
    if (/^\d+$/.test(values[name])) return Number(values[name]);
    throw new Error(`--${name}: found ${values[name]}; allowed: a whole number`);
  };
  const isHostile = positionals[0] === "hostile";
  const names = isHostile ? ["hostile"] : positionals;
  const unknown = names.find((name) => scenarios.every((scenario) => scenario.name !== name));
  if (unknown !== undefined)
    throw new Error(
      `found scenario ${unknown}; allowed: ${scenarios.map(({ name }) => name).join(", ")}`,
    );
  const chosen = scenarios.filter(({ name }) => names.length === 0 || names.includes(name));
  const options: Options = {
    ...{ against: values.against, bodies: isHostile ? positionals.slice(1) : [] },
    ...{ rounds: count("rounds"), fuzz: count("fuzz") },
    ...{ seed: count("seed"), seconds: count("seconds") },
    ...{ minutes: count("minutes") },
  };
  return { ...values, chosen, options };
}

const memoryGiB = (totalmem() / 2 ** 30).toFixed(0);
const hardware = `${cpus()[0]?.model}, ${cpus().length} cores, ${memoryGiB} GiB of memory`;
const machine = `${hardware}, Linux ${release()}, Node.js ${process.versions.node}`;

async function run({ chosen, options, write, render }: ReturnType<typeof readCommandLine>) {
  if (render) return writeDocuments(checkout, scenarios, []);
  for (const scenario of chosen) {
    const { name, title, measure } = scenario;
    const report = (progress: string) => {
      const line = `${name}: ${progress}`;
      stderr.write(stderr.isTTY ? `\r\u001b[K${line.slice(0, stderr.columns - 1)}` : `${line}\n`);
    };
    try {
      const rows = [...(await measure(report, options))];
      print(`${title}\n\n${tableText(rowTable(scenario, rows))}`);
      const verdicts = judge(scenario, rows);
      print(verdicts.join("\n"));
      if (verdicts.some((verdict) => verdict.startsWith("FAIL"))) process.exitCode = 1;
      const date = new Date().toISOString().slice(0, 10);
      if (write) writeDocuments(checkout, scenarios, [{ name, date, machine, rows }]);
    } catch (error) {
      if (error instanceof LeftOut) print(`${name} is left out: ${error.message}`);
      else {
        print(`${name} failed: ${inspect(error)}`);
        process.exitCode = 1;
      }
    }
  }
}

let commandLine: ReturnType<typeof readCommandLine> | undefined;
try {
  commandLine = readCommandLine();
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : error}\n${usage}`);
  process.exitCode = 2;
}
if (commandLine?.help) stdout.write(usage);
else if (commandLine) await run(commandLine);
