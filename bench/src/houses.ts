/** Stands in a template where its count goes. */
const mark = "#";
const firstCount = 1000;
const lastCount = 9999;

/**
 * Request bodies, no two alike: templates in turns, each with a count of four digits at its mark.
 * A template without a mark is sent as it is, again and again.
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

function house(index: number): Record<string, number> {
  return {
    MedInc: 1 + (index % 97) / 10,
    HouseAge: 1 + (index % 52),
    AveRooms: 3 + (index % 41) / 7,
    AveBedrms: 0.9 + (index % 13) / 50,
    Population: 100 + (index % 3001),
    AveOccup: 1.5 + (index % 29) / 11,
    Latitude: 33 + (index % 89) / 10,
    Longitude: -124 + (index % 101) / 10,
  };
}

/** The count is the population: at its first value or its last, a common one. */
const counted = (index: number) =>
  JSON.stringify({ ...house(index), Population: mark }).replace(`"${mark}"`, mark);

/** Bodies of `/predict`, each a miss. */
export function singleBodies(): Bodies {
  return new Bodies(Array.from({ length: variety }, (_, index) => counted(index)));
}

/** Bodies of `/bulk_predict` with so many houses, each a miss. */
export function bulkBodies(houses: number): Bodies {
  return new Bodies(
    Array.from({ length: Math.ceil(variety / houses) }, (_, body) => {
      const first = body * houses;
      const rest = Array.from({ length: houses - 1 }, (_, index) => house(first + 1 + index));
      return `{"houses":[${[counted(first), ...rest.map((row) => JSON.stringify(row))].join(",")}]}`;
    }),
  );
}

/** The same body again and again. */
export const repeated = (body: string): Bodies => new Bodies([body]);
