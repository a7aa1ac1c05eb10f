import { cpus, release, totalmem } from "node:os";
import { inspect } from "node:util";
import { Argument, Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { checkout } from "./houses.ts";
import { writeDocuments } from "./report/documents.ts";
import { judge, rowTable, tableText } from "./report/tables.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

const { stdout, stderr } = process;
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Allowed is a whole number.");
}

const allNames = scenarios.map(({ name }) => name);
const command = new Command("pnpm bench")
  .description("Runs the named scenarios, or all. Exits with 1 if one fails or misses a target.")
  .addArgument(new Argument("[scenario...]", "what to measure").choices(allNames))
  .option("--write", "write the results to README.md, docs/benchmarks.md and docs/benchmarks/")
  .option("--render", "write these files again without measuring")
  .option("--rounds <n>", "rounds of each comparison", wholeNumber, 5)
  .option("--against <folder>", "bare: measure another checkout in the same run")
  .option("--body <text...>", "hostile: send only bodies whose name contains the text")
  .option("--seconds <n>", "hostile: how long one client sends a body", wholeNumber, 3)
  .option("--minutes <n>", "soak: how long it lasts", wholeNumber, 10)
  .showHelpAfterError()
  .parse();

const { write, render, ...options } = command.opts();
const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`;
const software = `Linux ${release()}, Node.js ${process.versions.node}`;
const machine = `${cpus()[0]?.model}, ${cpus().length} cores, ${memory}, ${software}`;

/** Measures a scenario, and prints its table and verdicts. */
async function run(scenario: Scenario): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const report = (progress: string) => void stderr.write(`${scenario.name}: ${progress}\n`);
  const rows = [...(await scenario.measure({ ...options, report, stack }))];
  const verdicts = judge(scenario, rows);
  const parts = [scenario.name, tableText(rowTable(scenario, rows)), verdicts.join("\n"), ""];
  stdout.write(parts.join("\n\n"));
  if (verdicts.some((verdict) => verdict.startsWith("FAIL"))) process.exitCode = 1;
  const date = new Date().toISOString().slice(0, 10);
  const result = { name: scenario.name, date, machine, rows };
  if (write) await writeDocuments(checkout, scenarios, [result]);
}

const [names] = command.processedArgs;
const isChosen = ({ name }: Scenario) => !render && (names.length === 0 || names.includes(name));
for (const scenario of scenarios.filter(isChosen)) {
  try {
    await run(scenario);
  } catch (error) {
    stdout.write(`${scenario.name} failed: ${inspect(error)}\n\n`);
    process.exitCode = 1;
  }
}
if (render) await writeDocuments(checkout, scenarios, []);
// Ends what a scenario left running when it failed.
process.exit();
