import logging
import os

from kserve import InferOutput, InferRequest, InferResponse, ModelServer
from kserve import Model as KServeModel

from model import Model


class Housing(KServeModel):
    def load(self) -> bool:
        self.model = Model()
        self.ready = True
        return True

    async def predict(self, payload: InferRequest, headers=None, response_headers=None):
        predictions = self.model.predict(payload.inputs[0].as_numpy())
        output = InferOutput("MedHouseVal", list(predictions.shape), "FP32")
        output.set_data_from_numpy(predictions, binary_data=False)
        return InferResponse(payload.id or "", self.name, [output])


if __name__ == "__main__":
    housing = Housing("housing")
    housing.load()
    server = ModelServer(
        http_port=int(os.environ["PORT"]),
        enable_grpc=False,
        enable_latency_logging=False,
        workers=1,
    )
    # Like the other servers, it logs no requests.
    logging.getLogger("uvicorn.access").handlers.clear()
    server.start([housing])
