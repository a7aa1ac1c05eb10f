import { readFile } from "node:fs/promises";
import { secureHeaders } from "hono/secure-headers";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ServedModel } from "../model/served-model.ts";
import { refusal } from "../wire/refusal.ts";
import type { Access } from "./authorize.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Answer } from "./exchange.ts";
import type { Limits } from "./limits.ts";

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>prediction-service</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", tryItOutEnabled: true });
`;

const distributed: Readonly<Record<string, string>> = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
};

/** Creates a value once, when it is first needed, so that it does not delay the start. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function readAsset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(import.meta.resolve(`swagger-ui-dist/${name}`))));
}

/** Sets the security headers of the pages under `/docs`. */
export const docsHeaders = secureHeaders({
  // The proxy that terminates TLS sets this for all services of the host name.
  strictTransportSecurity: false,
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
});

function page(path: string, contentType: string, content: () => Promise<Answer["body"]>): Endpoint {
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

/** The dependencies of {@link docsEndpoints}. */
export interface DocsDependencies {
  readonly defaultModel: ServedModel;
  readonly limits: Limits;
  /** Absent if no request needs a token. */
  readonly access?: Access | undefined;
}

/**
 * `GET /openapi.json`, and `GET /docs`, which shows it in Swagger UI without requests to other
 * hosts.
 *
 * @param api the endpoints to describe
 */
export function docsEndpoints(
  { defaultModel, limits, access }: DocsDependencies,
  api: readonly Endpoint[],
): readonly Endpoint[] {
  let described: { readonly model: LoadedModel; readonly json: string } | undefined;

  async function document(): Promise<string> {
    const model = defaultModel.current;
    if (model === undefined) throw refusal(503, "Service Unavailable");
    if (described?.model !== model) {
      const { describeApi } = await import("./openapi.ts");
      described = { model, json: JSON.stringify(describeApi(model, api, limits, access)) };
    }
    return described.json;
  }

  return [
    page("/openapi.json", "application/json", document),
    page("/docs", "text/html; charset=UTF-8", async () => html),
    page("/docs/start.js", "text/javascript; charset=utf-8", async () => start),
    ...Object.entries(distributed).map(([name, contentType]) =>
      page(
        `/docs/${name}`,
        contentType,
        lazily(() => readAsset(name)),
      ),
    ),
  ];
}
