/**
 * Runs in a pod. Sends requests at a steady rate until its input ends, every second one on a new
 * connection. Prints the number of requests once a second, and all failures at the end.
 */

import { Agent, request } from "node:http";

const perSecond = 30;
const maxMs = 300_000;
const { TARGET = "" } = process.env;
const kept = new Agent({ keepAlive: true });
const failures: string[] = [];
let sent = 0;

function predict(number: number): Promise<void> {
  const house = { MedInc: 8, HouseAge: 41, AveRooms: 7, AveBedrms: 1, Population: number % 50 };
  const body = JSON.stringify({ ...house, AveOccup: 2.5, Latitude: 37.9, Longitude: -122.2 });
  const headers = { "content-type": "application/json", "content-length": body.length };
  const agent = number % 2 === 0 ? kept : false;
  const { promise, resolve } = Promise.withResolvers<void>();
  const failed = (reason: unknown) => {
    failures.push(`${new Date().toISOString()} request ${number}: ${reason}`);
    resolve();
  };
  const call = request(TARGET, { method: "POST", agent, headers, timeout: 10_000 }, (answer) => {
    answer.resume().on("error", failed);
    answer.on("end", () => (answer.statusCode === 200 ? resolve() : failed(answer.statusCode)));
  });
  call.on("timeout", () => call.destroy(new Error("no answer within 10 s")));
  call.on("error", failed).end(body);
  return promise;
}

const answers: Promise<void>[] = [];
setInterval(() => answers.push(predict(sent++)), 1000 / perSecond);
setInterval(() => process.stdout.write(`${sent}\n`), 1000);
setTimeout(() => process.exit(1), maxMs);

process.stdin.resume().on("end", async () => {
  await Promise.all(answers);
  process.stdout.write(`${JSON.stringify({ sent, failures })}\n`);
  process.exit();
});
