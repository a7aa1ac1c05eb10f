import type { Engine, Runner } from "../model/engine.ts";
import { invalid, type Refusal } from "../wire/refusal.ts";
import { type ExplainTask, ExplainThread, NotExplainedError } from "./explain-thread.ts";

/** With the committed model, a run of this length takes about 20 ms. */
const maxRunRows = 16;

function notExplained(reason: string): Refusal {
  const msg = `The model's predictions cannot be explained: ${reason}`;
  return invalid([{ type: "not_explainable", loc: ["body"], msg }]);
}

/**
 * Creates a runner whose result is an explanation for each row, as lists with one number per
 * output: the prediction, and then what `Explanations` returns. Its release ends the thread.
 *
 * @param engine predicts the explained rows
 */
export function createExplainRunner(task: ExplainTask, engine: Engine): Runner {
  const thread = new ExplainThread(task);
  const { columns, outputs } = engine;
  const explainedNumbers = outputs * (2 + columns);
  const size = outputs + explainedNumbers;

  async function explain(matrix: Float32Array): Promise<Float64Array> {
    try {
      return await thread.explain(matrix);
    } catch (error) {
      throw error instanceof NotExplainedError ? notExplained(error.message) : error;
    }
  }

  return {
    name: "explanations",
    columns,
    outputs: size,
    isList: true,
    maxRunRows,
    async run(matrix) {
      const explained = await explain(matrix);
      const predictions = await engine.predict(matrix);
      const rows = matrix.length / columns;
      const joined = new Float64Array(rows * size);
      for (let row = 0; row < rows; row++) {
        joined.set(predictions.subarray(row * outputs, (row + 1) * outputs), row * size);
        const from = row * explainedNumbers;
        joined.set(explained.subarray(from, from + explainedNumbers), row * size + outputs);
      }
      return joined;
    },
    release: () => thread.close(),
  };
}
