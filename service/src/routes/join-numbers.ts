import { setImmediate } from "node:timers/promises";

/** What takes a fraction of a millisecond to write. */
const numbersPerTurn = 2048;

/** Numbers as JSON, with commas between them. Long lists let other requests in between. */
export function joinNumbers(numbers: Float32Array): string | Promise<string> {
  return numbers.length <= numbersPerTurn ? numbers.join() : joinInTurns(numbers);
}

async function joinInTurns(numbers: Float32Array): Promise<string> {
  let json = numbers.subarray(0, numbersPerTurn).join();
  for (let from = numbersPerTurn; from < numbers.length; from += numbersPerTurn) {
    await setImmediate();
    json += `,${numbers.subarray(from, from + numbersPerTurn).join()}`;
  }
  return json;
}
