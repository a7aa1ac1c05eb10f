/** Makes request bodies, no two alike. */
export type BodySource = () => string;

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

/**
 * Bodies of `/bulk_predict` with so many houses. The first house's population counts the calls,
 * exactly up to 2²⁴ in float32, so that every body is a miss.
 */
export function bulkBodies(houses: number): BodySource {
  const list = Array.from({ length: houses }, (_, index) => house(index));
  const marked = list.with(0, { ...house(0), Population: -1 });
  const [head, tail] = JSON.stringify({ houses: marked }).split("-1,", 2);
  let count = 0;
  return () => `${head}${count++},${tail}`;
}

/** Bodies of `/predict`, each a miss. */
export function singleBodies(): BodySource {
  let count = 0;
  return () => JSON.stringify({ ...house(0), Population: count++ });
}
