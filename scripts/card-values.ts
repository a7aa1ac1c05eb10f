/**
 * Prints what checks.sh needs from a model's card:
 *
 *     node scripts/card-values.ts model/california-housing.json
 *
 * One value per line: the version of the model, the plural name of its records as JSON, then the
 * members of `ExampleRequests`. Tabs separate the parts of a request.
 */

import { readFileSync } from "node:fs";
import { ModelCard } from "../service/src/model/card.ts";
import { exampleRequests } from "./example-requests.ts";

function readCard(path: string): ModelCard {
  const result = ModelCard.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new Error(faults.join("\n"));
}

function print(path: string): void {
  const card = readCard(path);
  const { example, other, fresh, invalid } = exampleRequests(card);
  const lines = [
    card.version,
    JSON.stringify(card.record.plural),
    example,
    other,
    fresh,
    ...invalid.map(({ path, body, response }) => `${path}\t${body}\t${response}`),
  ];
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

const [path = ""] = process.argv.slice(2);
try {
  print(path);
} catch (error) {
  const fault = error instanceof Error ? error.message : error;
  process.stderr.write(`${path} is not a model card that can be served:\n${fault}\n`);
  process.exitCode = 1;
}
