import { Hono } from "hono";
import { cachePolicy } from "../cache/cache-control.ts";
import type { ReadThrough } from "../cache/read-through.ts";
import { type HouseMatrix, readHouse, readHouses } from "../houses/read.ts";
import type { Predictor } from "../predictor/predictor.ts";
import { decodeJson, readBody, requireJson } from "../wire/body.ts";
import { cacheHeaders } from "./cache-headers.ts";
import type { Limits } from "./limits.ts";
import { ServerTiming } from "./server-timing.ts";

/** What the two prediction routes do differently: how they read a request and write an answer. */
interface Endpoint {
  readonly name: string;
  readonly read: (text: string, limits: Limits) => HouseMatrix;
  readonly write: (predictions: Float32Array) => string;
}

const predict: Endpoint = {
  name: "predict",
  read: readHouse,
  write: ([prediction]) => `{"prediction":${prediction}}`,
};

const bulkPredict: Endpoint = {
  name: "bulk_predict",
  read: (text, { maxHouses }) => readHouses(text, maxHouses),
  write: (predictions) => `{"predictions":[${predictions.join(",")}]}`,
};

/** What the prediction routes need. */
export interface PredictDependencies {
  readonly predictor: Predictor;
  readonly cache: ReadThrough;
  readonly limits: Limits;
}

/** `POST /predict` for one house, `POST /bulk_predict` for a list, which is one batch. */
export function predictRoutes({ predictor, cache, limits }: PredictDependencies): Hono {
  const routes = new Hono();
  for (const endpoint of [predict, bulkPredict]) {
    routes.post(`/${endpoint.name}`, async (c) => {
      const sent = await readBody(c.req, limits.maxBodyBytes);
      requireJson(sent, c.req.header("content-type"));
      const timing = new ServerTiming("cache");
      const { body, outcome } = await cache.answer({
        endpoint: endpoint.name,
        policy: cachePolicy(c.req.header("cache-control")),
        body: sent,
        read: () => {
          timing.enter("parse");
          const matrix = endpoint.read(decodeJson(sent), limits);
          timing.enter("cache");
          return matrix;
        },
        compute: async (matrix) => {
          timing.enter("inference");
          const predictions = await predictor.predict(matrix);
          timing.enter("cache");
          return endpoint.write(predictions);
        },
      });
      return c.body(body, 200, {
        "Content-Type": "application/json",
        "X-Model-Version": predictor.modelVersion,
        "Server-Timing": timing.header(),
        ...cacheHeaders[outcome],
      });
    });
  }
  return routes;
}
