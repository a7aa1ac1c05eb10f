import type { RequestListener } from "node:http";
import { describe, expect, test } from "vitest";
import { front } from "./front.ts";
import { minikubeMachine, serviceForAll } from "./minikube-machine.ts";

const service = serviceForAll();

const json =
  (status: number, body: string, headers = {}): RequestListener =>
  (_, answer) =>
    void answer.writeHead(status, { "content-type": "application/json", ...headers }).end(body);

const { modelVersion } = service;

describe("a service that answers wrongly fails the demonstration, after it has cleaned up:", () => {
  test.each<[what: string, request: string, answer: RequestListener, shown: string]>([
    [
      "another greeting",
      "GET /hello?name=Minikube",
      json(200, '{"message":"hello"}'),
      "Hello Minikube",
    ],
    [
      "another status",
      "GET /hello",
      json(400, '{"detail":"Bad"}'),
      'found    400 {"detail":"Bad"}',
    ],
    ["a page that is no page", "GET /docs", json(200, "docs"), "FAIL  200  GET /docs"],
    [
      "another time",
      "GET /health",
      json(200, '{"status":"healthy"}'),
      'found    200 {"status":"healthy"}',
    ],
    [
      "no prediction",
      "POST /predict",
      json(200, '{"prediction":null}'),
      'found    200 {"prediction":null}',
    ],
    [
      "another model",
      "POST /predict",
      json(200, '{"prediction":1.5}', { "x-model-version": "old" }),
      "FAIL  the model is the one of this checkout",
    ],
    ["no list", "POST /bulk_predict", json(500, "Internal Server Error"), "found    500 Internal"],
    [
      "what is never cached",
      "POST /predict",
      json(200, '{"prediction":1.5}', { "x-model-version": modelVersion, "x-cache": "MISS" }),
      "expected 200  HIT",
    ],
    [
      "nothing",
      "GET /openapi.json",
      (_, answer) => void answer.destroy(),
      "Empty reply from server",
    ],
  ])("%s", async (_, request, answer, shown) => {
    const host = minikubeMachine(service);
    const port = await front(service, { [request]: answer });

    const { status, stdout } = await host.run([], {
      env: { API_PORT: String(port), CACHE_SECONDS: "1" },
    });

    expect(status).toBe(1);
    expect(stdout).toContain(shown);
    expect(stdout).toMatch(/^ {2}FAIL {2}/m);
    expect(stdout).toMatch(/^ +[89] .* FAILED$/m);
    expect(host.steps().at(-1)).toBe("minikube stop");
    expect(host.isUp()).toBe(false);
  });

  test("a key that Redis never gets", async () => {
    const host = minikubeMachine(service);

    const { status, stdout } = await host.run([], { env: { MODEL_VERSION: "another" } });

    expect(status).toBe(1);
    expect(stdout).toContain(`expected predictions:${modelVersion}:predict`);
  });
});
