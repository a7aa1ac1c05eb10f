from blacksheep import Application, Content, Request, Response, get, post

from with_msgspec import answer, decode_house, decode_houses, predict_house, predict_houses

app = Application()


def respond(status: int, body: bytes) -> Response:
    return Response(status, None, Content(b"application/json", body))


@post("/predict")
async def predict(request: Request) -> Response:
    return respond(*answer(decode_house, predict_house, await request.read()))


@post("/bulk_predict")
async def bulk_predict(request: Request) -> Response:
    return respond(*answer(decode_houses, predict_houses, await request.read()))


@get("/health")
async def health() -> Response:
    return respond(200, b"{}")
