// The load test of `./run.sh load` for those who have k6:
//
//   k6 run -e URL=http://127.0.0.1:8000 -e CACHE_RATE=0.9 bench/k6/load.js
import { check } from "k6";
import http from "k6/http";
import { Rate } from "k6/metrics";

const url = __ENV.URL || "http://127.0.0.1:8000";
const cacheRate = Number(__ENV.CACHE_RATE || 0.9);
const hits = new Rate("cache_hits");

export const options = {
  stages: [
    { duration: "30s", target: 100 },
    { duration: "2m", target: 100 },
    { duration: "30s", target: 0 },
  ],
  thresholds: { http_req_duration: ["p(99)<500"], checks: ["rate==1"] },
  summaryTrendStats: ["med", "p(95)", "p(99)"],
};

const known = {
  MedInc: 8.3252,
  HouseAge: 41,
  AveRooms: 6.98,
  AveBedrms: 1.02,
  Population: 322,
  AveOccup: 2.55,
  Latitude: 37.88,
  Longitude: -122.23,
};

const between = (low, high) => low + Math.random() * (high - low);

const unknown = () => ({
  MedInc: between(0.5, 15),
  HouseAge: between(1, 52),
  AveRooms: between(1, 10),
  AveBedrms: between(0.5, 2),
  Population: between(3, 5000),
  AveOccup: between(1, 6),
  Latitude: between(32.5, 42),
  Longitude: between(-124, -114),
});

const isOk = { "is 200": ({ status }) => status === 200 };

export default function sendInTurn() {
  check(http.get(`${url}/health`), isOk);
  const houses = [Math.random() < cacheRate ? known : unknown()];
  const prediction = http.post(`${url}/bulk_predict`, JSON.stringify({ houses }), {
    headers: { "Content-Type": "application/json" },
  });
  check(prediction, isOk);
  hits.add(prediction.headers["X-Cache"] === "HIT");
}
