import { once } from "node:events";
import { Agent, request } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { knownBodies, singleBodies } from "./houses.ts";
import { Arrivals } from "./random-arrivals.ts";

// Posts houses at random moments, however long an answer takes, and prints how many were answered in
// how many milliseconds. It spins: a timer would bundle what arrives within its millisecond.
const { port, perSecond, seconds, first } = Arrivals.parse(JSON.parse(process.argv[2] ?? ""));

const agent = new Agent({ keepAlive: true });
const bodies = first === undefined ? knownBodies(1, singleBodies()) : singleBodies();
bodies.skip(first ?? 0);

async function post(): Promise<void> {
  const body = bodies.next();
  const headers = { "content-type": "application/json", "content-length": body.length };
  const options = { agent, host: "127.0.0.1", port, path: "/predict", method: "POST", headers };
  const [answer] = await once(request(options).end(body), "response");
  if (answer.statusCode !== 200) throw new Error(`void: answered ${answer.statusCode}`);
  await once(answer.resume(), "end");
}

const answers: Promise<void>[] = [];
const start = performance.now();
const end = start + seconds * 1000;
/** Of a Poisson process. */
const untilNextMs = () => (-Math.log(1 - Math.random()) / perSecond) * 1000;
let next = start + untilNextMs();
while (next < end) {
  while (next <= performance.now()) {
    answers.push(post());
    next += untilNextMs();
  }
  await nextTurn();
}
await Promise.all(answers);
process.stdout.write(JSON.stringify({ requests: answers.length, ms: performance.now() - start }));
process.exit();
