import { setTimeout as delay } from "node:timers/promises";
import { drawHouses } from "../../../bench/src/houses.ts";

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
    for (let round = 0; !this.#isStopped; round++) {
      const houses = drawHouses(130, round).map((house) => ({
        ...house,
        MedInc: Number(house["MedInc"]) * this.incomeFactor,
      }));
      const [one] = houses;
      await Promise.all([
        this.#post("/predict", one),
        this.#post("/predict", { ...one, Latitude: "north" }),
        this.#post("/bulk_predict", { houses }),
        this.#send("/hello?name=World"),
        this.#send("/nothing"),
      ]);
      // The same again, which is in the cache.
      await Promise.all([this.#post("/predict", one), this.#post("/bulk_predict", { houses })]);
      await delay(this.pauseMs);
    }
  }

  #post(path: string, body: unknown): Promise<void> {
    return this.#send(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async #send(path: string, init: RequestInit = {}): Promise<void> {
    const response = await fetch(`${this.#origin}${path}`, init);
    await response.bytes();
  }
}
