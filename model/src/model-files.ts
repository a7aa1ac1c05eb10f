import path from "node:path";

/** Where the committed model lies. */
export const MODEL_FOLDER = path.dirname(import.meta.dirname);

/** Name of the model, of its files and in them. */
export const MODEL_NAME = "california-housing";

/** Name of the model's file. */
export const ONNX_FILE = `${MODEL_NAME}.onnx`;

/** Name of the model card's file. */
export const CARD_FILE = `${MODEL_NAME}.json`;

/** Name of the page that says how hyper-parameters were chosen. */
export const TUNING_FILE = "TUNING.md";
