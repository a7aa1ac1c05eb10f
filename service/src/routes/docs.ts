import { secureHeaders } from "hono/secure-headers";
import type { LoadedModel } from "../model/loaded-model.ts";
import type { ServedModel } from "../model/served-model.ts";
import { refusal } from "../wire/refusal.ts";
import type { Access } from "./authorize.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Limits } from "./limits.ts";
import { packageFile, page, pageFile } from "./page.ts";

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
    pageFile("/docs/swagger-ui.css", "css", packageFile("swagger-ui-dist/swagger-ui.css")),
    pageFile(
      "/docs/swagger-ui-bundle.js",
      "js",
      packageFile("swagger-ui-dist/swagger-ui-bundle.js"),
    ),
  ];
}
