import { drawHouses } from "./drawn-houses.ts";

/** Stands in a template where its count goes. */
const mark = "#";
const firstCount = 1000;
const lastCount = 9999;

/**
 * Request bodies, no two alike: templates in turns, each with a count of four digits at its mark.
 * Templates without a mark are sent as they are, round and round.
 */
export class Bodies {
  readonly templates: readonly string[];
  #taken = 0;

  constructor(templates: readonly string[]) {
    this.templates = templates;
  }

  /** How many are taken: the next one's number. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes the next ones without making them.
   *
   * @throws where they would begin again
   */
  skip(count: number): void {
    this.#taken += count;
    const counts = Math.ceil(this.#taken / this.templates.length);
    if (this.templates[0]?.includes(mark) && counts > lastCount - firstCount + 1) {
      throw new Error(`void: ${this.#taken} bodies asked for, and they would begin again`);
    }
  }

  /** Takes one. */
  next(): string {
    const template = this.templates[this.#taken % this.templates.length] ?? "";
    const count = firstCount + Math.floor(this.#taken / this.templates.length);
    this.skip(1);
    return template.replace(mark, String(count));
  }
}

/** How many different houses there are at least among the bodies of one kind. */
const variety = 4096;

type House = Readonly<Record<string, number>>;

/** The count is the population: at its first value or its last, a common one. */
const counted = (house: House) =>
  JSON.stringify({ ...house, Population: mark }).replace(`"${mark}"`, mark);

/** Bodies of `/predict`, each a miss: always the same ones, in the same order. */
export function singleBodies(): Bodies {
  return new Bodies(drawHouses(variety, 1).map(counted));
}

/** Bodies of `/bulk_predict` with so many houses, each a miss: always the same, in the same order. */
export function bulkBodies(houses: number): Bodies {
  const lists = Math.ceil(variety / houses);
  const drawn = drawHouses(lists * houses, houses);
  return new Bodies(
    Array.from({ length: lists }, (_, list) => {
      const rows = drawn
        .slice(list * houses, (list + 1) * houses)
        .map((house, row) => (row === 0 ? counted(house) : JSON.stringify(house)));
      return `{"houses":[${rows.join(",")}]}`;
    }),
  );
}

/**
 * The next few bodies of so many houses, to be sent round and round. They are many, since concurrent
 * requests for one body would share one look into Redis.
 */
export function knownBodies(houses: number, bodies: Bodies): Bodies {
  const count = Math.max(8, Math.min(400, Math.floor(64_000 / houses)));
  return new Bodies(Array.from({ length: count }, () => bodies.next()));
}

/** The same body again and again. */
export const repeated = (body: string): Bodies => new Bodies([body]);
