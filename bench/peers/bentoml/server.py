import bentoml

from model import Model
from with_pydantic import House


@bentoml.service(
    workers=1,
    traffic={"timeout": 30, "max_concurrency": 1000},
    logging={"access": {"enabled": False}},
)
class Housing:
    def __init__(self):
        self.model = Model()

    @bentoml.api(
        route="/bulk_predict", batchable=True, max_batch_size=1000, max_latency_ms=10_000
    )
    def bulk_predict(self, houses: list[House]) -> list[float]:
        return self.model.predict([house.row() for house in houses]).ravel().tolist()
