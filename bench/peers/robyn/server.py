import os

from robyn import Headers, Request, Response, Robyn

from with_msgspec import answer, decode_house, decode_houses, predict_house, predict_houses

app = Robyn(__file__)
headers = Headers({"content-type": "application/json"})


def respond(status: int, body: bytes) -> Response:
    return Response(status, headers, body.decode())


@app.post("/predict")
async def predict(request: Request) -> Response:
    return respond(*answer(decode_house, predict_house, request.body))


@app.post("/bulk_predict")
async def bulk_predict(request: Request) -> Response:
    return respond(*answer(decode_houses, predict_houses, request.body))


@app.get("/health")
async def health() -> Response:
    return respond(200, b"{}")


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(os.environ["PORT"]))
