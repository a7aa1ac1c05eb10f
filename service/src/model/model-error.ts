/**
 * The model cannot be served: a file is missing, malformed or unsupported, or the two files do not
 * belong together.
 */
export class ModelError extends Error {}
