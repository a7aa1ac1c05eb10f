import { cpus, release, totalmem } from "node:os";
import { inspect, parseArgs } from "node:util";
import { checkout } from "./houses.ts";
import { writeDocuments } from "./report/documents.ts";
import { judge, rowTable, tableText } from "./report/tables.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

const allNames = scenarios.map(({ name }) => name).join(", ");
const usage = `Usage: pnpm bench [SCENARIO…] [OPTION…]
       pnpm bench hostile [BODY…] [OPTION…]

Runs the named scenarios, or all: ${allNames}.
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
  const [first, ...bodies] = positionals;
  const names = first === "hostile" ? [first] : positionals;
  for (const name of names) {
    if (scenarios.some((scenario) => scenario.name === name)) continue;
    throw new Error(`found scenario ${name}; allowed: ${allNames}`);
  }
  return {
    ...values,
    against: values.against,
    bodies: first === "hostile" ? bodies : [],
    chosen: scenarios.filter(({ name }) => names.length === 0 || names.includes(name)),
    rounds: count("rounds"),
    fuzz: count("fuzz"),
    seed: count("seed"),
    seconds: count("seconds"),
    minutes: count("minutes"),
  };
}

type CommandLine = ReturnType<typeof readCommandLine>;

const memoryGiB = (totalmem() / 2 ** 30).toFixed(0);
const hardware = `${cpus()[0]?.model}, ${cpus().length} cores, ${memoryGiB} GiB of memory`;
const machine = `${hardware}, Linux ${release()}, Node.js ${process.versions.node}`;

/** Measures a scenario, and prints its table and verdicts. */
async function run(scenario: Scenario, options: CommandLine): Promise<void> {
  const { name, title, measure } = scenario;
  const report = (progress: string) => void stderr.write(`${name}: ${progress}\n`);
  const rows = [...(await measure(report, options))];
  const verdicts = judge(scenario, rows);
  stdout.write([title, tableText(rowTable(scenario, rows)), verdicts.join("\n"), ""].join("\n\n"));
  if (verdicts.some((verdict) => verdict.startsWith("FAIL"))) process.exitCode = 1;
  const date = new Date().toISOString().slice(0, 10);
  if (options.write) writeDocuments(checkout, scenarios, [{ name, date, machine, rows }]);
}

async function runAll(options: CommandLine): Promise<never> {
  for (const scenario of options.chosen) {
    try {
      await run(scenario, options);
    } catch (error) {
      stdout.write(`${scenario.name} failed: ${inspect(error)}\n\n`);
      process.exitCode = 1;
    }
  }
  // Ends what a scenario left running when it failed.
  process.exit();
}

let commandLine: CommandLine | undefined;
try {
  commandLine = readCommandLine();
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : error}\n${usage}`);
  process.exitCode = 2;
}
if (commandLine?.help) stdout.write(usage);
else if (commandLine?.render) writeDocuments(checkout, scenarios, []);
else if (commandLine) await runAll(commandLine);
