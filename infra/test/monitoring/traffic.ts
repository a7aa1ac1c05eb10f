import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

const cardFile = join(import.meta.dirname, "../../../model/california-housing.json");

const Feature = z.object({
  name: z.string(),
  minimum: z.number(),
  maximum: z.number(),
  bins: z.object({ edges: z.array(z.number()), shares: z.array(z.number()) }),
});

const { features } = z
  .object({ features: z.array(Feature) })
  .parse(JSON.parse(readFileSync(cardFile, "utf8")));

/** Draws a value whose bins have the shares of the training rows. */
function drawValue({ minimum, maximum, bins }: z.infer<typeof Feature>): number {
  const bounds = [minimum, ...bins.edges, maximum];
  let rest = Math.random();
  let bin = 0;
  while (bin < bins.shares.length - 1 && rest >= (bins.shares[bin] ?? 0)) {
    rest -= bins.shares[bin] ?? 0;
    bin++;
  }
  const [low = minimum, high = maximum] = bounds.slice(bin, bin + 2);
  // Above the lower bound, which belongs to the bin below.
  return high - Math.random() * (high - low);
}

const headers = { "content-type": "application/json" };

/** Sends requests of all kinds to the service, until stopped. */
export class Traffic {
  /** The pause after each round of requests. */
  pauseMs = 20;
  /** What the incomes of the houses are multiplied by. */
  incomeFactor = 1;
  readonly #origin: string;
  readonly #ended: Promise<void>;
  #isStopped = false;

  constructor(port: number) {
    this.#origin = `http://127.0.0.1:${port}`;
    this.#ended = this.#run();
  }

  /** Waits for the requests in flight. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const houses = Array.from({ length: 130 }, () => this.#drawHouse());
      const [one] = houses;
      await Promise.all([
        this.#post("/predict", one),
        this.#post("/predict", { ...one, Latitude: "north" }),
        this.#post("/bulk_predict", { houses }),
        this.#send("/hello?name=World"),
        this.#send("/nothing"),
      ]);
      // The same request again is a hit.
      await Promise.all([this.#post("/predict", one), this.#post("/bulk_predict", { houses })]);
      await delay(this.pauseMs);
    }
  }

  #drawHouse(): Record<string, number> {
    const values = features.map((feature) => {
      const factor = feature.name === "MedInc" ? this.incomeFactor : 1;
      return [feature.name, drawValue(feature) * factor];
    });
    return Object.fromEntries(values);
  }

  #post(path: string, body: unknown): Promise<void> {
    return this.#send(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async #send(path: string, init: RequestInit = {}): Promise<void> {
    const response = await fetch(`${this.#origin}${path}`, init);
    await response.bytes();
  }
}
