/** Something in the graph is not compiled. The message says what. */
export class Unsupported extends Error {}
