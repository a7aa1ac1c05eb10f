import { z } from "zod";
import { withTimeout } from "../timeout.ts";

const Message = z.union([
  z.strictObject({ question: z.int() }),
  z.strictObject({ answerTo: z.int(), answer: z.unknown() }),
]);

type Message = z.infer<typeof Message>;

/** The dependencies of {@link QuestionChannel}. */
export interface QuestionChannelDependencies {
  /** Sends a message to the other process. */
  readonly send: (message: Message) => void;
  /** Answers the question of the other process. */
  readonly answer: () => unknown;
}

/** Two processes that ask each other one question: what have you counted? */
export class QuestionChannel {
  readonly #deps: QuestionChannelDependencies;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #questions = 0;

  constructor(deps: QuestionChannelDependencies) {
    this.#deps = deps;
  }

  /**
   * Asks the other process.
   *
   * @throws {TimeoutError} if it does not answer
   */
  async ask(timeoutMs: number): Promise<unknown> {
    const question = this.#questions++;
    const answered = new Promise((resolve) => this.#waiting.set(question, resolve));
    this.#deps.send({ question });
    try {
      return await withTimeout(timeoutMs, answered);
    } finally {
      this.#waiting.delete(question);
    }
  }

  /** @param received what the other process sent. All except questions and answers is ignored */
  async receive(received: unknown): Promise<void> {
    const { data: message } = Message.safeParse(received);
    if (message === undefined) return;
    if ("answerTo" in message) this.#waiting.get(message.answerTo)?.(message.answer);
    else this.#deps.send({ answerTo: message.question, answer: await this.#deps.answer() });
  }
}
