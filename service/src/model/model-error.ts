/** The model cannot be served: a file is absent, malformed or unsupported, or belongs to another. */
export class ModelError extends Error {}
