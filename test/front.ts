import { once } from "node:events";
import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/**
 * Stands before the service and answers some requests itself, until the test ends.
 *
 * @param answers by method and path, such as `GET /health`
 * @returns its port
 */
export async function front(
  service: { readonly port: number },
  answers: Readonly<Record<string, RequestListener>>,
): Promise<number> {
  const server = createServer((asked, answer) => {
    const { method = "", url = "", headers } = asked;
    const own = answers[`${method} ${url}`];
    if (own) {
      own(asked, answer);
      return;
    }
    const options = { host: "127.0.0.1", port: service.port, method, path: url, headers };
    const onward = request(options, (answered) => {
      answer.writeHead(answered.statusCode ?? 500, answered.headers);
      answered.pipe(answer);
    });
    asked.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
