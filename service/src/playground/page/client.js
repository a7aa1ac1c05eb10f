/**
 * A response of the service.
 *
 * @typedef {object} Reply
 * @property {string} path
 * @property {number} status 0 if the service could not be reached
 * @property {any} body the parsed JSON
 * @property {Headers} headers
 * @property {number} durationMs
 */

/** Sends requests to the service, with the API token that the user enters. */
export class Client {
  /** @type {string | undefined} */
  #token;
  /** @type {Promise<void> | undefined} */
  #asking;
  #askForToken;
  #onReply;

  /**
   * @param {(wasRefused: boolean) => Promise<string | undefined>} askForToken
   * @param {(reply: Reply) => void} onReply called for each response
   */
  constructor(askForToken, onReply) {
    this.#askForToken = askForToken;
    this.#onReply = onReply;
  }

  get hasToken() {
    return this.#token !== undefined;
  }

  forgetToken() {
    this.#token = undefined;
  }

  /**
   * Sends JSON. If the service needs a token, asks for it and sends the request again.
   *
   * @param {string} path
   * @param {unknown} body
   * @param {AbortSignal} signal
   * @returns {Promise<Reply>}
   * @throws {DOMException} if the signal aborts the request
   */
  async post(path, body, signal) {
    const token = this.#token;
    const reply = await this.#send(path, body, token, signal);
    this.#onReply(reply);
    if (reply.status !== 401) return reply;
    if (this.#asking === undefined && this.#token === token) {
      this.#asking = this.#renewToken(token !== undefined);
    }
    await this.#asking;
    signal.throwIfAborted();
    return this.#token === undefined ? reply : this.post(path, body, signal);
  }

  /** @param {boolean} wasRefused */
  async #renewToken(wasRefused) {
    this.#token = await this.#askForToken(wasRefused);
    this.#asking = undefined;
  }

  /**
   * @param {string} path
   * @param {unknown} body
   * @param {string | undefined} token
   * @param {AbortSignal} signal
   * @returns {Promise<Reply>}
   */
  async #send(path, body, token, signal) {
    const headers = new Headers({ "Content-Type": "application/json" });
    if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    const start = performance.now();
    const spent = () => performance.now() - start;
    try {
      const response = await fetch(path, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal,
      });
      const parsed = await response.json();
      const { status } = response;
      return { path, status, body: parsed, headers: response.headers, durationMs: spent() };
    } catch (error) {
      signal.throwIfAborted();
      const detail = `The service does not respond: ${error}`;
      return { path, status: 0, body: { detail }, headers: new Headers(), durationMs: spent() };
    }
  }
}

/**
 * An error that pydantic reports.
 *
 * @typedef {{ type: string, loc: (string | number)[], msg: string }} ValidationError
 */

/**
 * Returns the validation errors of a response.
 *
 * @param {Reply} reply
 * @returns {ValidationError[]}
 */
export function validationErrors({ status, body }) {
  return status === 422 && Array.isArray(body.detail) ? body.detail : [];
}

/**
 * Returns what an error response says.
 *
 * @param {Reply} reply
 * @returns {string}
 */
export function messageOf(reply) {
  const { status, body } = reply;
  const messages = validationErrors(reply).map(({ msg }) => msg);
  if (messages.length > 0) return messages.join(". ");
  const detail = typeof body.detail === "string" ? body.detail : JSON.stringify(body);
  return status === 0 ? detail : `${detail} (status ${status})`;
}
