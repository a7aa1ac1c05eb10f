from fastapi import FastAPI
from pydantic import BaseModel

from model import Model
from with_pydantic import House, Houses


class Prediction(BaseModel):
    prediction: float


class Predictions(BaseModel):
    predictions: list[float]


app = FastAPI()
model = Model()


@app.post("/predict")
async def predict(house: House) -> Prediction:
    return Prediction(prediction=model.predict([house.row()]).item())


@app.post("/bulk_predict")
async def bulk_predict(houses: Houses) -> Predictions:
    return Predictions(predictions=model.predict(houses.rows()).ravel().tolist())


@app.get("/health")
async def health():
    return {}
