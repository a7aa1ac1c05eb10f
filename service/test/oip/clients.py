"""Uses tritonclient and KServe's client with a service that serves the committed model."""

import asyncio
import json
import sys
import urllib.request

import numpy
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from tritonclient.utils import InferenceServerException

address = sys.argv[1]
name = "california-housing"
house = [8.3252, 41, 6.98, 1.02, 322, 2.55, 37.88, -122.23]
houses = numpy.array([house, [3.2, 25, 5.1, 1.1, 1400, 3, 34.05, -118.3]], dtype=numpy.float32)
expected = numpy.array([[4.4045305252075195], [2.2087628841400146]], dtype=numpy.float32)


def message_of(call):
    """Returns the message of the error that a call raises."""
    try:
        call()
    except InferenceServerException as error:
        return error.message()
    raise AssertionError("no error")


def check(found):
    numpy.testing.assert_array_equal(found, expected)


def inputs(binary, datatype="FP32"):
    tensor = triton.InferInput("houses", list(houses.shape), datatype)
    tensor.set_data_from_numpy(houses.astype(numpy.float64 if datatype == "FP64" else numpy.float32), binary_data=binary)
    return [tensor]


def bulk_intervals(level):
    """Returns the intervals from /bulk_predict."""
    names = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    body = {"houses": [dict(zip(names, row)) for row in houses.tolist()]}
    request = urllib.request.Request(
        f"http://{address}/bulk_predict?interval={level}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        return numpy.array(json.load(response)["intervals"], dtype=numpy.float32)


def use_intervals(client):
    assert client.get_model_metadata(name)["outputs"] == [
        {"name": "MedHouseVal", "datatype": "FP32", "shape": [-1, 1]},
        {"name": "interval", "datatype": "FP32", "shape": [-1, 2]},
    ]
    for level, parameters in ((0.9, None), (0.8, {"level": 0.8}), (0.95, {"level": 0.95})):
        ends = bulk_intervals(level)
        for binary in (True, False):
            for other in (True, False):
                outputs = [
                    triton.InferRequestedOutput("interval", binary_data=binary),
                    triton.InferRequestedOutput("MedHouseVal", binary_data=other),
                ]
                result = client.infer(name, inputs(binary), outputs=outputs, parameters=parameters)
                check(result.as_numpy("MedHouseVal"))
                numpy.testing.assert_array_equal(result.as_numpy("interval"), ends)
                assert [output["name"] for output in result.get_response()["outputs"]] == ["interval", "MedHouseVal"]
    assert client.infer(name, inputs(True)).as_numpy("interval") is None
    asked = [triton.InferRequestedOutput("interval")]
    wrong = message_of(lambda: client.infer(name, inputs(True), outputs=asked, parameters={"level": 1.5}))
    assert wrong == "parameters.level must be a number from 0.5 to 0.99, not 1.5"


def use_tritonclient():
    client = triton.InferenceServerClient(address)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data", "model_repository"]
    metadata = client.get_model_metadata(name)
    version = metadata["versions"][0]
    assert metadata["inputs"] == [{"name": "houses", "datatype": "FP32", "shape": [-1, 8]}]
    assert client.get_model_metadata(name, version) == metadata
    assert client.is_model_ready(name)
    assert client.is_model_ready(name, version)
    assert not client.is_model_ready(name, "1")
    assert not client.is_model_ready("nope")

    for binary in (True, False):
        for output in (None, True, False):
            outputs = None if output is None else [triton.InferRequestedOutput("MedHouseVal", binary_data=output)]
            check(client.infer(name, inputs(binary), outputs=outputs).as_numpy("MedHouseVal"))
    for compression in ("gzip", "deflate"):
        many = triton.InferInput("houses", [2000, 8], "FP32")
        many.set_data_from_numpy(numpy.tile(houses, (1000, 1)))
        algorithms = {"request_compression_algorithm": compression, "response_compression_algorithm": compression}
        found = client.infer(name, [many], **algorithms).as_numpy("MedHouseVal")
        numpy.testing.assert_array_equal(found, numpy.tile(expected, (1000, 1)))
    result = client.infer(
        name,
        inputs(True),
        model_version=version,
        request_id="r-1",
        sequence_id=7,
        sequence_start=True,
        priority=2,
        timeout=1000,
        parameters={"x": "y"},
    )
    check(result.as_numpy("MedHouseVal"))
    assert result.get_response()["id"] == "r-1"
    assert result.get_response()["model_version"] == version
    check(client.async_infer(name, inputs(True)).get_result().as_numpy("MedHouseVal"))
    wide = houses.astype(numpy.float64)
    check(client.infer(name, inputs(True, "FP64")).as_numpy("MedHouseVal"))

    per_feature = []
    for column, feature in enumerate(
        ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    ):
        tensor = triton.InferInput(feature, [2, 1], "FP32")
        per_feature.append(tensor.set_data_from_numpy(houses[:, column : column + 1]))
    check(client.infer(name, per_feature).as_numpy("MedHouseVal"))

    use_intervals(client)

    empty = triton.InferInput("houses", [0, 8], "FP32")
    empty.set_data_from_numpy(houses[:0])
    assert client.infer(name, [empty]).as_numpy("MedHouseVal").shape == (0, 1)

    wrong = triton.InferInput("nope", [2, 8], "FP32").set_data_from_numpy(houses)
    assert message_of(lambda: client.infer(name, [wrong])).startswith('input "nope" is unknown')
    negative = triton.InferInput("houses", [2, 8], "FP32").set_data_from_numpy(-houses)
    assert 'row 0, feature "MedInc"' in message_of(lambda: client.infer(name, [negative]))
    unknown = [triton.InferRequestedOutput("nope")]
    assert message_of(lambda: client.infer(name, inputs(True), outputs=unknown)).startswith('output "nope"')
    assert message_of(lambda: client.infer("nope", inputs(True))) == 'model "nope" is not loaded'
    assert message_of(lambda: client.get_model_metadata("nope")) == 'model "nope" is not loaded'
    assert message_of(lambda: client.get_model_config(name)) == "Not Found"
    assert message_of(client.get_system_shared_memory_status) == "Not Found"

    entry = {"name": name, "version": version, "state": "READY", "reason": ""}
    assert client.get_model_repository_index() == [entry]
    client.load_model(name)
    check(client.infer(name, inputs(True)).as_numpy("MedHouseVal"))
    client.unload_model(name)
    assert not client.is_model_ready(name)
    assert client.get_model_repository_index()[0]["state"] == "UNAVAILABLE"
    assert message_of(lambda: client.infer(name, inputs(True))) == f'model "{name}" is not loaded'
    client.load_model(name)
    assert client.is_model_ready(name)
    assert message_of(lambda: client.load_model("nope")) == 'model "nope" is unknown'
    assert message_of(lambda: client.load_model(name, config="{}")).startswith("parameters must be empty")


async def use_kserve():
    url = f"http://{address}"
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(url) is True
        assert await client.is_server_ready(url) is True
        assert await client.is_model_ready(url, name) is True
        assert await client.is_model_ready(url, "nope") is False
        for binary in (True, False):
            tensor = InferInput("houses", list(houses.shape), "FP32")
            tensor.set_data_from_numpy(houses, binary_data=binary)
            for output in (True, False):
                parameters = {"binary_data_output": output}
                request = InferRequest(name, [tensor], request_id="k-1", parameters=parameters)
                response = await client.infer(url, request, model_name=name)
                assert response.id == "k-1"
                check(response.outputs[0].as_numpy())
        ends = bulk_intervals(0.8)
        for binary in (True, False):
            tensor = InferInput("houses", list(houses.shape), "FP32")
            tensor.set_data_from_numpy(houses, binary_data=binary)
            outputs = [RequestedOutput("interval", {"level": 0.8, "binary_data": binary})]
            request = InferRequest(name, [tensor], request_outputs=outputs)
            response = await client.infer(url, request, model_name=name)
            numpy.testing.assert_array_equal(response.outputs[0].as_numpy(), ends)
        nested = {"inputs": [{"name": "houses", "shape": [2, 8], "datatype": "FP32", "data": houses.tolist()}]}
        check(numpy.array((await client.infer(url, nested, model_name=name)).outputs[0].as_numpy()))


use_tritonclient()
asyncio.run(use_kserve())
