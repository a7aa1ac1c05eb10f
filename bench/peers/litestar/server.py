from litestar import Litestar, Response, get, post

from with_msgspec import House, Houses, predict_house, predict_houses


def respond(body: bytes) -> Response:
    return Response(body, media_type="application/json")


@post("/predict", status_code=200)
async def predict(data: House) -> Response:
    return respond(predict_house(data))


@post("/bulk_predict", status_code=200)
async def bulk_predict(data: Houses) -> Response:
    return respond(predict_houses(data))


@get("/health")
async def health() -> Response:
    return respond(b"{}")


app = Litestar([predict, bulk_predict, health], request_max_body_size=64 * 2**20)
