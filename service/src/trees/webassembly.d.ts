/** What the engine uses of WebAssembly, which the types of Node.js lack. */
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
