"""Reads and checks bodies with msgspec, and creates responses."""

from typing import Annotated

import msgspec

from model import Model


class House(msgspec.Struct, forbid_unknown_fields=True):
    MedInc: Annotated[float, msgspec.Meta(gt=0)]
    HouseAge: float
    AveRooms: float
    AveBedrms: float
    Population: float
    AveOccup: float
    Latitude: float
    Longitude: float


class Houses(msgspec.Struct, forbid_unknown_fields=True):
    houses: list[House]


model = Model()
encode = msgspec.json.Encoder().encode
decode_house = msgspec.json.Decoder(House).decode
decode_houses = msgspec.json.Decoder(Houses).decode


def predict_house(house: House) -> bytes:
    return encode({"prediction": model.predict([msgspec.structs.astuple(house)]).item()})


def predict_houses(houses: Houses) -> bytes:
    rows = [msgspec.structs.astuple(house) for house in houses.houses]
    return encode({"predictions": model.predict(rows).ravel().tolist()})


def answer(decode, predict, body) -> tuple[int, bytes]:
    """Returns the status and the body of the response to a request body."""
    try:
        return 200, predict(decode(body))
    except msgspec.MsgspecError as error:
        return 422, encode({"detail": str(error)})
