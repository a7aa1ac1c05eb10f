import { registerHooks } from "node:module";

// The service as it is, but for its runs, which are as long as any list: where it asks for its
// batcher, it gets one without slices.
const service = new URL("../../../service/src/", import.meta.url);
const main = new URL("main.ts", service).href;
const importer = new URL("service.ts", service).href;
const sliced = new URL("predictor/batcher.ts", service).href;
const whole = new URL("whole-lists-batcher.ts", import.meta.url).href;
let isReplaced = false;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    if (context.parentURL !== importer || resolved.url !== sliced) return resolved;
    isReplaced = true;
    return { ...resolved, url: whole };
  },
});
await import(main);
if (!isReplaced) throw new Error(`${importer} does not import ${sliced}`);
