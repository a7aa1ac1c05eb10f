import path from "node:path";

/** The folder of the committed model. */
export const modelFolder = path.dirname(import.meta.dirname);

/** The name of the model, also used as the file name. */
export const modelName = "california-housing";

/** The file name of the model. */
export const onnxFile = `${modelName}.onnx`;

/** The file name of the model card. */
export const cardFile = `${modelName}.json`;

/** The file name of the map of the training rows. */
export const locationsFile = `${modelName}.locations.json`;

/** The file name of the page that shows how the hyperparameters were chosen. */
export const tuningFile = "TUNING.md";
