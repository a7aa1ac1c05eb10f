/** An operation took longer than its timeout. */
export class TimeoutError extends Error {}

/**
 * Waits for a promise for at most `timeoutMs`. On timeout the work still runs, but its result is
 * discarded.
 *
 * A blocked event loop does not cause a timeout by itself. While it is blocked, requests are not
 * sent and replies stay unread in their sockets. So the timeout is split into two halves: if the
 * event loop is blocked in the first half, the second half starts when it is free again. At the
 * end, sockets are read once more before the promise is rejected.
 *
 * @throws {TimeoutError}
 */
export function withTimeout<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let isSecondHalf = false;
    const timer = setTimeout(() => {
      if (isSecondHalf) {
        // The event loop reads sockets between its timers and its immediates.
        setImmediate(() => reject(new TimeoutError(`not settled within ${timeoutMs} ms`)));
      } else {
        isSecondHalf = true;
        timer.refresh();
      }
    }, timeoutMs / 2);
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
