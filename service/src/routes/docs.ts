import { readFile } from "node:fs/promises";
import { Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { Limits } from "./limits.ts";

const page = `<!doctype html>
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

/** Makes a value when it is first asked for, and once: a start needs none of it. */
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

/** `GET /openapi.json`, and `GET /docs` showing it in Swagger UI with no other host asked. */
export function docsRoutes({ limits }: { limits: Limits }): Hono {
  const routes = new Hono();
  const description = lazily(async () => {
    const { describeApi } = await import("./openapi.ts");
    return JSON.stringify(describeApi(limits));
  });
  routes.get("/openapi.json", async (c) =>
    c.body(await description(), 200, { "Content-Type": "application/json" }),
  );
  routes.use(
    "/docs/*",
    secureHeaders({
      // Whoever terminates TLS answers for the whole host name; this service doesn't.
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
    }),
  );
  routes.get("/docs", (c) => c.html(page));
  routes.get("/docs/start.js", (c) =>
    c.body(start, 200, { "Content-Type": "text/javascript; charset=utf-8" }),
  );
  for (const [name, contentType] of Object.entries(distributed)) {
    const asset = lazily(() => readAsset(name));
    routes.get(`/docs/${name}`, async (c) =>
      c.body(await asset(), 200, { "Content-Type": contentType }),
    );
  }
  return routes;
}
