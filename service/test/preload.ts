/** `NODE_OPTIONS` that run some JavaScript before the service. */
export function preloading(code: string): string {
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

/** Appends code to one of the service's modules, which runs when it is imported. */
export function whenImporting(module: string, code: string): string {
  return preloading(`
    import { registerHooks } from "node:module";
    registerHooks({
      load(url, context, nextLoad) {
        const loaded = nextLoad(url, context);
        if (!url.endsWith("/service/src/${module}")) return loaded;
        return { ...loaded, source: loaded.source + ${JSON.stringify(`\n${code}`)} };
      },
    });`);
}

/** Says so on standard error, and waits forever. */
export const stallForever = `
  process.stderr.write("stalled");
  setInterval(() => {}, 1000);
  await new Promise(() => {});`;
