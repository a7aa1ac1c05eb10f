import type { RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";
import { overrideResponses } from "./override-responses.ts";

const service = serviceForAll();

const json =
  (status: number, body: string, headers = {}): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);

const { modelVersion } = service;

describe("a wrong response", () => {
  test.each<[what: string, request: string, handler: RequestListener, printed: string]>([
    [
      "a different greeting",
      "GET /hello?name=Minikube",
      json(200, '{"message":"hello"}'),
      "Hello Minikube",
    ],
    [
      "a different status",
      "GET /hello",
      json(400, '{"detail":"Bad"}'),
      'found    400 {"detail":"Bad"}',
    ],
    ["JSON instead of the docs page", "GET /docs", json(200, "docs"), "FAIL  200  GET /docs"],
    [
      "a health body without the time",
      "GET /health",
      json(200, '{"status":"healthy"}'),
      'found    200 {"status":"healthy"}',
    ],
    [
      "a prediction of null",
      "POST /predict",
      json(200, '{"prediction":null}'),
      'found    200 {"prediction":null}',
    ],
    [
      "the version of a different model",
      "POST /predict",
      json(200, '{"prediction":1.5}', { "x-model-version": "old" }),
      "FAIL  the model is that of this checkout",
    ],
    [
      "a different prediction in a list",
      "POST /bulk_predict",
      json(200, '{"predictions":[1.5,1.5]}'),
      'found    200 {"predictions":[1.5,1.5]}',
    ],
    ["status 500", "POST /bulk_predict", json(500, "Internal Server Error"), "found    500 Intern"],
    [
      "predictions that are never cached",
      "POST /bulk_predict",
      json(200, '{"predictions":[1.5]}', { "x-model-version": modelVersion, "x-cache": "MISS" }),
      "expected 200  HIT",
    ],
    [
      "a closed connection",
      "GET /openapi.json",
      (_, response) => void response.destroy(),
      "Empty reply from server",
    ],
  ])(
    "the demo fails, after cleaning up, if the service responds with %s",
    async (_, request, handler, printed) => {
      const host = minikubeMachine(service);
      const port = await overrideResponses(service, { [request]: handler });

      const { status, stdout } = await host.run([], {
        env: { API_PORT: String(port), CACHE_SECONDS: "1" },
      });

      expect(status).toBe(1);
      expect(stdout).toContain(printed);
      expect(stdout).toMatch(/^ {2}FAIL {2}/m);
      expect(stdout).toMatch(/^ +[89] .* FAILED$/m);
      expect(host.steps().at(-1)).toBe("minikube stop");
      expect(host.isDeployed()).toBe(false);
    },
  );

  test("the demo fails if predictions are not stored in Redis", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env: { MODEL_VERSION: "another" } });

    expect(status).toBe(1);
    expect(stdout).toContain(`expected predictions:${modelVersion}:bulk_predict`);
  });
});
