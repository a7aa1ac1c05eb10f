/** The graph, or something in it, is not of the kind that is compiled. The message says what. */
export class Unsupported extends Error {}
