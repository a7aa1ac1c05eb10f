/** Something in the graph can't be compiled. The message says what. */
export class Unsupported extends Error {}
