import { once } from "node:events";
import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/**
 * Starts a server that handles some requests itself and forwards all others to the service. It runs
 * until the test ends.
 *
 * @param handlers by method and path, such as `GET /health`
 * @returns its port
 */
export async function overrideResponses(
  service: { readonly port: number },
  handlers: Readonly<Record<string, RequestListener>>,
): Promise<number> {
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const handler = handlers[`${method} ${url}`];
    if (handler) {
      handler(incoming, outgoing);
      return;
    }
    const options = { host: "127.0.0.1", port: service.port, method, path: url, headers };
    const forwarded = request(options, (response) => {
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(forwarded);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
