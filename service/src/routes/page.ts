import { readFile } from "node:fs/promises";
import type { Endpoint } from "./endpoint.ts";
import type { Answer } from "./exchange.ts";

/** Creates a value once, when it is first needed, so that it does not delay the start. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Creates the endpoint of a page, or of a part of it. */
export function page(
  path: string,
  contentType: string,
  content: () => Promise<Answer["body"]>,
): Endpoint {
  return {
    method: "GET",
    path,
    group: "docs",
    handle: async () => ({
      status: 200,
      body: await content(),
      headers: { "Content-Type": contentType },
    }),
  };
}

const contentTypes = {
  html: "text/html; charset=UTF-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/**
 * Creates the endpoint of a file, which is read when it is first requested.
 *
 * @param path the path of the endpoint
 */
export function pageFile(path: string, type: keyof typeof contentTypes, file: URL): Endpoint {
  const read = lazily(async () => new Uint8Array(await readFile(file)));
  return page(path, contentTypes[type], read);
}

/** Returns where a file of an npm package is, such as `uplot/dist/uPlot.min.css`. */
export const packageFile = (name: string) => new URL(import.meta.resolve(name));
