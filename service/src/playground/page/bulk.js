/** @import { Reply } from "./client.js" */
import { messageOf, validationErrors } from "./client.js";

/** The service did not predict the records. */
export class BulkError extends Error {}

/**
 * The outcome for a record: its prediction, or the errors of its fields.
 *
 * @typedef {object} Outcome
 * @property {number | null | (number | null)[]} [prediction]
 * @property {[number, number]} [interval]
 * @property {{ field: string | undefined, message: string }[]} [errors] without a field, an error
 *   concerns the whole record
 */

/** The maximum number of records in a request. */
const maxBatch = 500;

/** How many times a batch is sent while the service is overloaded. */
const maxAttempts = 5;

/**
 * Waits.
 *
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/**
 * Groups the errors of a batch by the position of the record.
 *
 * @param {Reply} reply
 * @param {string} plural
 */
function errorsByRecord(reply, plural) {
  /** @type {Map<number, NonNullable<Outcome["errors"]>>} */
  const byRecord = new Map();
  for (const { loc, msg } of validationErrors(reply)) {
    const [, list, position, field] = loc;
    if (list !== plural || typeof position !== "number") continue;
    const errors = byRecord.get(position) ?? [];
    errors.push({ field: field === undefined ? undefined : String(field), message: msg });
    byRecord.set(position, errors);
  }
  return byRecord;
}

/**
 * Predicts any number of records in batches. Records with errors are left out of their batch, which
 * is then sent again.
 *
 * @param {readonly unknown[]} records
 * @param {object} options
 * @param {string} options.plural the member that contains the records
 * @param {number} options.maxRecords the maximum number of records in a list
 * @param {(body: unknown, signal: AbortSignal) => Promise<Reply>} options.post
 * @param {AbortSignal} options.signal
 * @param {(outcomes: readonly Outcome[]) => void} options.onProgress gets the records that are done
 * @throws {BulkError} if the service does not predict a batch
 * @throws {DOMException} if the signal aborts it
 */
export async function predictAll(records, { plural, maxRecords, post, signal, onProgress }) {
  const size = Math.min(maxBatch, maxRecords);
  for (let start = 0; start < records.length; start += size) {
    const batch = records.slice(start, start + size);
    onProgress(await predictBatch(batch, plural, (body) => post(body, signal), signal));
  }
}

/**
 * @param {readonly unknown[]} batch
 * @param {string} plural
 * @param {(body: unknown) => Promise<Reply>} post
 * @param {AbortSignal} signal
 */
async function predictBatch(batch, plural, post, signal) {
  /** @type {Outcome[]} */
  const outcomes = batch.map(() => ({}));
  let rest = batch.map((_, index) => index);
  let attempts = 0;
  while (rest.length > 0) {
    const reply = await post({ [plural]: rest.map((index) => batch[index]) });
    if (reply.status === 200) {
      const { predictions, intervals } = reply.body;
      rest.forEach((index, position) => {
        outcomes[index] = { prediction: predictions[position], interval: intervals?.[position] };
      });
      break;
    }
    attempts++;
    if (reply.status === 503 && attempts < maxAttempts) {
      await wait(Number(reply.headers.get("retry-after") ?? 1), signal);
      continue;
    }
    const errors = errorsByRecord(reply, plural);
    if (errors.size === 0) throw new BulkError(messageOf(reply));
    for (const [position, found] of errors) outcomes[rest[position] ?? 0] = { errors: found };
    rest = rest.filter((_, position) => !errors.has(position));
  }
  return outcomes;
}
