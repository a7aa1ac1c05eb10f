import type { Logger } from "pino";
import type { CompilableModel } from "./loaded-model.ts";
import { ModelError } from "./model-error.ts";
import { DifferenceError, NotCompiledError } from "./tree-runner.ts";

/**
 * Compiles a model that must be compiled.
 *
 * @throws {ModelError} saying why it can't be, and what to change
 */
export async function requireCompiled(model: CompilableModel): Promise<void> {
  try {
    await model.compile();
  } catch (cause) {
    if (!(cause instanceof NotCompiledError)) throw cause;
    throw new ModelError(
      `INFERENCE_ENGINE: found "wasm"; the model ${model.card.name} needs "auto" or "onnxruntime": ${cause.message}`,
      { cause },
    );
  }
}

/**
 * Compiles a model if possible, and logs the outcome. Meanwhile and otherwise ONNX Runtime runs it.
 */
export async function compileInBackground(model: CompilableModel, logger: Logger): Promise<void> {
  const start = performance.now();
  try {
    await model.compile();
    const durationMs = Math.round(performance.now() - start);
    logger.info({ engine: model.engine.name, durationMs }, "model compiled");
  } catch (error) {
    const engine = model.engine.name;
    if (error instanceof DifferenceError) {
      logger.warn({ engine, reason: error.message }, "model not compiled");
    } else if (error instanceof NotCompiledError) {
      logger.info({ engine, reason: error.message }, "model not compiled");
    } else {
      logger.error({ engine, err: error }, "model not compiled");
    }
  }
}
