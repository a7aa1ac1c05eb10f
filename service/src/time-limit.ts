/** Something did not settle in time. */
export class TimeLimitError extends Error {}

/**
 * Waits for a promise for so long. What it stands for is not stopped; its late outcome is dropped.
 *
 * @throws {TimeLimitError}
 */
export function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new TimeLimitError(`not settled within ${timeoutMs} ms`));
    }, timeoutMs);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
