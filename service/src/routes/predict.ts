import { Hono } from "hono";
import { type HouseMatrix, readHouse, readHouses } from "../houses/read.ts";
import type { Predictor } from "../predictor/predictor.ts";
import { jsonText, readBody } from "../wire/body.ts";
import type { Limits } from "./limits.ts";
import { ServerTiming } from "./server-timing.ts";

/** What the two prediction routes do differently: how they read a request and write an answer. */
interface Endpoint {
  readonly path: string;
  readonly read: (text: string, limits: Limits) => HouseMatrix;
  readonly write: (predictions: Float32Array) => string;
}

const predict: Endpoint = {
  path: "/predict",
  read: readHouse,
  write: ([prediction]) => `{"prediction":${prediction}}`,
};

const bulkPredict: Endpoint = {
  path: "/bulk_predict",
  read: (text, { maxHouses }) => readHouses(text, maxHouses),
  write: (predictions) => `{"predictions":[${predictions.join(",")}]}`,
};

/** `POST /predict` for one house, `POST /bulk_predict` for a list, which is one batch. */
export function predictRoutes(deps: { predictor: Predictor; limits: Limits }): Hono {
  const { predictor, limits } = deps;
  const routes = new Hono();
  for (const endpoint of [predict, bulkPredict]) {
    routes.post(endpoint.path, async (c) => {
      const body = await readBody(c.req, limits.maxBodyBytes);
      const timing = new ServerTiming();
      const text = jsonText(body, c.req.header("content-type"));
      const matrix = endpoint.read(text, limits);
      timing.lap("parse");
      const predictions = await predictor.predict(matrix);
      timing.lap("inference");
      return c.body(endpoint.write(predictions), 200, {
        "Content-Type": "application/json",
        "X-Model-Version": predictor.modelVersion,
        "Server-Timing": timing.header(),
      });
    });
  }
  return routes;
}
