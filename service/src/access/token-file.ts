import { readFile } from "node:fs/promises";
import type { Logger } from "pino";
import { ConfigError } from "../config.ts";
import { Tokens, TokensError } from "./tokens.ts";

/** How often the file is read. Watching it would miss changes of mounted Kubernetes Secrets. */
const pollIntervalMs = 2_000;

function toConfigError(path: string, cause: unknown): ConfigError {
  const message =
    cause instanceof TokensError
      ? `in "${path}" ${cause.message}`
      : `found "${path}", which cannot be read (${cause}); allowed: a file with one token per line`;
  return new ConfigError(`API_TOKENS_FILE: ${message}`, { cause });
}

/** The API tokens in a file. When the file changes, its tokens replace those read before. */
export class TokenFile {
  readonly #path: string;
  readonly #logger: Logger;
  #text: string;
  #tokens: Tokens;
  /** The message of the last failure, which is logged once. */
  #failure: string | undefined;

  private constructor(path: string, logger: Logger, text: string) {
    this.#path = path;
    this.#logger = logger;
    this.#text = text;
    this.#tokens = new Tokens(text);
  }

  /** @throws {ConfigError} if the file cannot be read, or its tokens are invalid */
  static async open(path: string, logger: Logger): Promise<TokenFile> {
    try {
      const file = new TokenFile(path, logger, await readFile(path, "utf8"));
      setInterval(() => void file.#reload(), pollIntervalMs).unref();
      return file;
    } catch (cause) {
      throw toConfigError(path, cause);
    }
  }

  /** Returns whether the file contains the token. */
  has(token: string): boolean {
    return this.#tokens.has(token);
  }

  async #reload(): Promise<void> {
    try {
      const text = await readFile(this.#path, "utf8");
      if (text !== this.#text) {
        this.#tokens = new Tokens(text);
        this.#text = text;
        this.#logger.info({ tokens: this.#tokens.size }, "read the API tokens again");
      }
      this.#failure = undefined;
    } catch (cause) {
      const { message } = toConfigError(this.#path, cause);
      if (message === this.#failure) return;
      this.#failure = message;
      this.#logger.error(`${message}. The tokens read before remain valid`);
    }
  }
}
