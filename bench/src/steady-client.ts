import { z } from "zod";
import { singleBodies } from "./houses.ts";
import { timedPosts } from "./timed-post.ts";

// Posts houses at a steady rate from the message "begin" to the message "rest", and answers both:
// the one once a first house is answered, the other once all are.
const Load = z.object({ port: z.number(), perSecond: z.number(), connections: z.number() });
const { port, perSecond, connections } = Load.parse(JSON.parse(process.argv[2] ?? ""));

const post = timedPosts(port, "/predict", connections);
const bodies = singleBodies();
const send = () => post(Buffer.from(bodies.next()));

let answers: Promise<unknown>[] = [];
let ticks: NodeJS.Timeout | undefined;

function sendSteadily(): void {
  const start = performance.now();
  ticks = setInterval(() => {
    const due = ((performance.now() - start) / 1_000) * perSecond;
    while (answers.length < due) answers.push(send());
  }, 1_000 / perSecond);
}

process.on("message", async (message) => {
  if (message === "begin") {
    await send();
    sendSteadily();
  } else {
    clearInterval(ticks);
    await Promise.all(answers);
    answers = [];
  }
  process.send?.("done");
});
