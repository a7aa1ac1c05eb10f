"""Reads and checks bodies with pydantic."""

from pydantic import BaseModel, ConfigDict, Field

from model import FEATURES


class House(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    MedInc: float = Field(gt=0)
    HouseAge: float
    AveRooms: float
    AveBedrms: float
    Population: float
    AveOccup: float
    Latitude: float
    Longitude: float

    def row(self):
        return [getattr(self, name) for name in FEATURES]


class Houses(BaseModel):
    model_config = ConfigDict(extra="forbid")

    houses: list[House]

    def rows(self):
        return [house.row() for house in self.houses]
