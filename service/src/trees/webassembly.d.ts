/** The part of the WebAssembly API that the engine uses. The types of Node.js do not have it. */
declare namespace WebAssembly {
  class CompileError extends Error {}

  class Memory {
    readonly buffer: ArrayBuffer;
  }

  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }

  class Instance {
    constructor(module: Module);
    readonly exports: Readonly<Record<string, unknown>>;
  }
}
