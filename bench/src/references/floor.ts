import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { readConfig } from "../../../service/src/config.ts";
import { featureNames } from "../../../service/src/houses/house.ts";
import { loadBareModel } from "../bare-model.ts";

// The least that a list costs: JSON.parse, one run of the model, JSON.stringify. Only these are
// timed, and told by Server-Timing; receiving, what lies between them, and sending are not.
const { PORT } = process.env;
const { MODEL_PATH } = readConfig({});
const model = await loadBareModel(await readFile(MODEL_PATH));

type House = Readonly<Record<string, number>>;

function matrixOf(houses: readonly House[]): Float32Array {
  const columns = featureNames.length;
  const matrix = new Float32Array(houses.length * columns);
  for (const [row, house] of houses.entries()) {
    for (const [column, name] of featureNames.entries()) {
      matrix[row * columns + column] = house[name] ?? Number.NaN;
    }
  }
  return matrix;
}

const inMs = (from: number, to: number) => (to - from).toFixed(3);

const server = createServer(async (request, response) => {
  const body = (await buffer(request)).toString();
  const parsing = performance.now();
  const { houses }: { houses: House[] } = JSON.parse(body);
  const parsed = performance.now();
  const feeds = model.feed(matrixOf(houses), featureNames.length);
  const running = performance.now();
  const result = await model.run(feeds);
  const ran = performance.now();
  const predictions = Array.from(result);
  const writing = performance.now();
  const answer = JSON.stringify({ predictions });
  const written = performance.now();
  const timing = [
    `parse;dur=${inMs(parsing, parsed)}`,
    `inference;dur=${inMs(running, ran)}`,
    `stringify;dur=${inMs(writing, written)}`,
  ];
  response.writeHead(200, { "Server-Timing": timing.join(", ") }).end(answer);
});
server.listen(Number(PORT), "127.0.0.1", () => {
  process.stdout.write("listening\n");
});
