"""A predictor of layers behind HTTP: graphs' descriptions, and a 4xx for all else."""

import json

import httpx
import numpy as np
import pytest

from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import describe
from tests.hwmodel.latency.layer_devices import predictor, small
from tests.hwmodel.latency.networks import GRAPHS
from tests.hwmodel.latency.test_server import PREDICTOR, running

DESK = predictor()
GRAPH = describe(canonical(GRAPHS["vision"]()))


@pytest.fixture(scope="module")
def client():
    with running(devices=(DESK, PREDICTOR)) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as found:
        yield found


def ask(client, networks, **more):
    return client.post("/v1/predict", json={"device": "desk", "networks": networks} | more)


def test_a_graph_is_predicted(client):
    answer = ask(client, [GRAPH, describe(small(16))])
    assert answer.status_code == 200
    expected = DESK.predict([GRAPH, describe(small(16))])
    np.testing.assert_array_equal(answer.json()["latency_s"], expected.mean)
    np.testing.assert_array_equal(answer.json()["high_s"], expected.high)
    assert ask(client, [GRAPH], level=0.5).json()["high_s"][0] < answer.json()["high_s"][0]


def test_it_describes_itself(client):
    assert [one["kind"] for one in client.get("/v1/devices").json()["devices"]] == ["layers", "space"]
    described = client.get("/openapi.json").json()
    body = described["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "hwmodel.graph" in json.dumps(body["properties"]["networks"])
    assert body["example"]["device"] == "desk"
    assert client.post("/v1/predict", json=body["example"]).status_code == 200


def spoiled():
    yield {}
    for name in GRAPH:
        yield {key: value for key, value in GRAPH.items() if key != name}
        for value in (None, 3, "x", [], {}, [[]], [{}], [None], 2**80, -1, True):
            yield GRAPH | {name: value}
    for name in GRAPH["layers"][0]:
        for value in (None, "nosuch", -1, 0, [], {}, [0], [2**40] * 8, [1.5], 10**400, {"weight": [2**31] * 8}):
            yield GRAPH | {"layers": [GRAPH["layers"][0] | {name: value}, *GRAPH["layers"][1:]]}


def test_garbage_is_a_4xx(client):
    statuses = []
    for network in spoiled():
        answer = ask(client, [network])
        statuses.append(answer.status_code)
        if answer.status_code != 200:
            assert answer.status_code in (400, 422), network
            assert list(answer.json()) == ["error"]
            assert "\n" not in answer.json()["error"]
    assert statuses.count(200) < 5  # another name for a layer that nothing reads
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "network", ["resnet18", "os:getcwd", "/etc/passwd.onnx", "net.onnx", [GRAPH], [0, 1], [], 3.5, None]
)
def test_names_and_files_are_not_opened_for_a_client(client, network):
    answer = ask(client, [GRAPH, network])
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("network 1: ")


def test_a_layer_beyond_counting(client):
    side = 1 << 20
    attributes = {"stride": [1, 1], "padding": [side - 1] * 4, "dilation": [1, 1], "groups": 1, "activation": None}
    layer = {"name": "y", "shape": [1, 1, side, side], "dtype": "float32", "kind": "conv", "inputs": ["x"],
             "attributes": attributes, "constants": {"weight": [1, 1, side, side]}}  # fmt: skip
    inputs = [{"name": "x", "shape": [1, 1, 1, 1], "dtype": "float32"}]
    answer = ask(client, [GRAPH | {"inputs": inputs, "layers": [layer], "outputs": ["y"]}])
    assert answer.status_code == 422
    assert "multiply-accumulates" in answer.json()["error"]


def test_a_network_without_layers_takes_nothing(client):
    answer = ask(client, [GRAPH | {"layers": [], "outputs": [GRAPH["inputs"][0]["name"]]}])
    assert (answer.status_code, answer.json()["latency_s"], answer.json()["high_s"]) == (200, [0], [0])
