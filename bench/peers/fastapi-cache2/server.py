import os
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from fastapi_cache import FastAPICache
from fastapi_cache.backends.redis import RedisBackend
from fastapi_cache.decorator import cache
from pydantic import BaseModel
from redis import asyncio as redis

from model import Model
from with_pydantic import House, Houses


class Prediction(BaseModel):
    prediction: float


class Predictions(BaseModel):
    predictions: list[float]


@asynccontextmanager
async def lifespan(_):
    backend = RedisBackend(redis.from_url(os.environ["REDIS_URL"]))
    FastAPICache.init(backend, expire=3600, cache_status_header="X-Cache")
    yield


app = FastAPI(lifespan=lifespan)
model = Model()


# The library caches no handler of POST requests, but it caches functions that a handler calls.
@cache()
async def prediction_of(house: House, response: Response):
    return {"prediction": model.predict([house.row()]).item()}


@cache()
async def predictions_of(houses: Houses, response: Response):
    return {"predictions": model.predict(houses.rows()).ravel().tolist()}


@app.post("/predict", response_model=Prediction)
async def predict(house: House, response: Response):
    return await prediction_of(house=house, response=response)


@app.post("/bulk_predict", response_model=Predictions)
async def bulk_predict(houses: Houses, response: Response):
    return await predictions_of(houses=houses, response=response)


@app.get("/health")
async def health():
    return {}
