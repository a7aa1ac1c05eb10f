import os

import litserve

from model import Model
from with_pydantic import Houses


class Housing(litserve.LitAPI):
    def setup(self, device):
        self.model = Model()

    def decode_request(self, request: Houses):
        return request.rows()

    def predict(self, rows):
        return self.model.predict(rows)

    def encode_response(self, predictions):
        return {"predictions": predictions.ravel().tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(
        Housing(api_path="/bulk_predict"), accelerator="cpu", workers_per_device=1
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
    )
