/** What the bare servers answer: as long, and with the same headers, as the service's answer. */
export interface ConstantAnswer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Read from the environment, where the benchmark has put it as JSON. */
export function constantAnswer(): ConstantAnswer {
  const { ANSWER } = process.env;
  return JSON.parse(ANSWER ?? "");
}
