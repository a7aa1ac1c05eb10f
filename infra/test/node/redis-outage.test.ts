import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { deployForAll, newHouse, test } from "./on-node.ts";

const stack = deployForAll("redis-outage", 1);

test("predictions continue while Redis is down, and are hits once it is back", async () => {
  const house = newHouse();
  const seen: (string | null)[] = [];
  const deadline = Date.now() + 180_000;
  const [redis] = await stack().pods("redis");

  await stack().kubectl("delete", "pod", String(redis?.name), "--grace-period=0", "--force");

  while (!seen.includes("BYPASS") || seen.at(-1) !== "HIT") {
    const { status, headers } = await stack().ask("/predict", house);
    expect(status).toBe(200);
    seen.push(headers.get("x-cache"));
    expect(Date.now(), `within three minutes, only ${seen}`).toBeLessThan(deadline);
    await delay(100);
  }
});
