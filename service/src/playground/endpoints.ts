import { secureHeaders } from "hono/secure-headers";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ServedModel } from "../model/served-model.ts";
import type { Endpoint } from "../routes/endpoint.ts";
import type { Limits } from "../routes/limits.ts";
import { packageFile, page, pageFile } from "../routes/page.ts";
import { refusal } from "../wire/refusal.ts";
import { describeModel } from "./describe-model.ts";
import { readLocations } from "./read-locations.ts";

/** Sets the security headers of the page. */
export const playgroundHeaders = secureHeaders({
  // The proxy that terminates TLS sets this header for all services of the host name.
  strictTransportSecurity: false,
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["data:"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/** The modules of the page. `main.js` imports the others. */
const modules = [
  "bulk.js",
  "charts.js",
  "client.js",
  "csv.js",
  "distribution.js",
  "dom.js",
  "explanation.js",
  "fields.js",
  "file-section.js",
  "format.js",
  "main.js",
  "map.js",
  "prediction.js",
  "request-list.js",
];

const ownFile = (name: string) => new URL(`page/${name}`, import.meta.url);

/** The dependencies of {@link playgroundEndpoints}. */
export interface PlaygroundDependencies {
  readonly defaultModel: ServedModel;
  readonly limits: Limits;
}

/** `GET /playground`, a page to try the default model. It makes requests to no other host. */
export function playgroundEndpoints({
  defaultModel,
  limits,
}: PlaygroundDependencies): readonly Endpoint[] {
  let described: { readonly model: LoadedModel; readonly json: string } | undefined;

  async function description(): Promise<string> {
    const model = defaultModel.current;
    if (model === undefined) throw refusal(503, "Service Unavailable");
    if (described?.model !== model) {
      const locations = await readLocations(defaultModel.path);
      const description = describeModel(model, limits.maxHouses, locations);
      described = { model, json: JSON.stringify(description) };
    }
    return described.json;
  }

  return [
    pageFile("/playground", "html", ownFile("index.html")),
    page("/playground/model.json", "application/json", description),
    pageFile("/playground/style.css", "css", ownFile("style.css")),
    ...modules.map((name) => pageFile(`/playground/${name}`, "js", ownFile(name))),
    pageFile("/playground/uPlot.min.css", "css", packageFile("uplot/dist/uPlot.min.css")),
    pageFile("/playground/uPlot.iife.min.js", "js", packageFile("uplot/dist/uPlot.iife.min.js")),
  ];
}
