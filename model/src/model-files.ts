import path from "node:path";

/** Where the committed model lies. */
export const MODEL_FOLDER = path.dirname(import.meta.dirname);

/** Name of the model's file. */
export const ONNX_FILE = "california-housing.onnx";

/** Name of the model card's file. */
export const CARD_FILE = "california-housing.json";
