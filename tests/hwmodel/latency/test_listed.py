"""Predictors of listed networks: there and back, asked in any spelling, and one line for files that are damaged."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.predict_commands import predict
from hwmodel.latency.query.container import Container, write_container
from hwmodel.latency.query.form import make_numbers
from hwmodel.latency.query.listed import ListedPredictor, compact, write_listed
from hwmodel.latency.query.predictor import load

SAID = {"device": "phone", "quantity": "energy_J", "link": "log", "quantiles": [[0.5, 0.6, 0.7], [0.9, 1.5, 2.0]]}
NAMES = ["[0, 1, 2]", "resnet 18", "(2 1 0)", "|none~0|+|none~0|none~1|"]
MEANS, SPREADS = np.log([1.0, 2.0, 3.0, 4.0]), np.array([0.1, 0.2, 0.0, 0.4])


@pytest.fixture
def path(tmp_path):
    write_listed(tmp_path / "a.safetensors", make_numbers(SAID), NAMES, MEANS, SPREADS)
    return tmp_path / "a.safetensors"


def test_there_and_back(path):
    found = load(path)
    assert (found.kind, found.device, found.quantity, found.levels) == ("listed", "phone", "energy_J", [0.5, 0.9])
    said = found.predict(NAMES)
    assert said.level == 0.9
    np.testing.assert_allclose(said.mean, [1, 2, 3, 4])
    np.testing.assert_allclose(said.low, np.exp(MEANS - 1.5 * SPREADS))
    np.testing.assert_allclose(said.high, np.exp(MEANS + 2.0 * SPREADS))
    np.testing.assert_allclose(found.predict(NAMES[1], 0.5).high, 2 * np.exp(0.7 * 0.2))
    assert found.about()["networks"] == 4
    assert found.predict(found.example()).mean[0] == pytest.approx(1)
    assert [schema["type"] for schema in found.schemas()] == ["string", "array"]


@pytest.mark.parametrize(
    "asked",
    [
        "[0,1,2]",
        " ( 0, 1, 2 )",
        "0;1;2",
        "0 1 2",
        [0, 1, 2],
        (0, 1, 2),
        np.array([0, 1, 2]),
        [[0, 1, 2]],
        [np.array([0, 1, 2])],
        np.array([[0, 1, 2]], np.int8),
        ["[0, 1, 2]"],
    ],
)
def test_a_network_in_any_spelling(path, asked):
    assert load(path).predict(asked).mean.tolist() == pytest.approx([1])


@pytest.mark.parametrize(
    "asked",
    [
        [],
        None,
        {},
        3,
        np.array(3),
        "",
        "other",
        "[0, 1]",
        "[01, 2]",
        [[0, 1, 2], "x"],
        ["[0, 1, 2]", 3],
        [[0], [1, [2]]],
        [[0, [1]]],
        [0.0, 1.0, 2.0],
        [object()],
        "x" * 100_000,
        [[1] * 100_000],
        [None],
        [[]],
        {"a": 1},
    ],
)
def test_what_is_no_network(path, asked):
    with pytest.raises(InputError) as raised:
        load(path).predict(asked)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_levels(path, tmp_path):
    with pytest.raises(InputError, match=r"level 0.7: none of phone's; give 0.5, 0.9"):
        load(path).predict(NAMES, 0.7)
    write_listed(tmp_path / "b.safetensors", make_numbers(SAID | {"quantiles": []}), NAMES, MEANS, SPREADS)
    bare = load(tmp_path / "b.safetensors")
    assert bare.predict(NAMES).high is None
    with pytest.raises(InputError, match="it has no intervals"):
        bare.predict(NAMES, 0.9)


def test_more_than_a_float_holds_is_infinite():
    found = ListedPredictor(make_numbers(SAID), ["x"], np.array([1e5]), np.array([1e4])).predict("x")
    assert (found.mean[0], found.high[0]) == (np.inf, np.inf)


def test_numbers_that_run_together_are_told_apart():
    assert compact("1 23") == "[1,23]" != compact("12 3")
    assert compact("x 1") == "x1"


@pytest.mark.parametrize(
    ("names", "means", "spreads", "said"),
    [
        ([], [], [], "holds 1 to"),
        (["x"], [1.0, 2.0], [1.0], "each with a mean"),
        (["x"], [1.0], [-1.0], "negative"),
        (["x"], [np.nan], [1.0], "no finite number"),
        (["x"], [1.0], [np.nan], "no finite"),
        (["x\ny"], [1.0], [1.0], "one line each"),
        ([" "], [1.0], [1.0], "not empty"),
        (["\ud800"], [1.0], [1.0], "no Unicode text"),
        (["x"], [[1.0]], [[1.0]], "no finite"),
    ],
)
def test_what_is_not_written(tmp_path, names, means, spreads, said):
    with pytest.raises(InputError, match=said):
        write_listed(tmp_path / "a.safetensors", make_numbers(SAID), names, np.array(means), np.array(spreads))
    assert not list(tmp_path.iterdir())


def stored(folder, said=SAID, **arrays):
    text = np.frombuffer("\n".join(NAMES).encode(), np.uint8)
    held = {"names": text, "logarithm": MEANS, "deviation": SPREADS} | arrays
    held = {name: array for name, array in held.items() if array is not None}
    write_container(folder / "b.safetensors", Container("listed", said, held))
    return folder / "b.safetensors"


@pytest.mark.parametrize(
    ("said", "arrays", "expected"),
    [
        ({}, {"names": None}, "no 'names'"),
        ({}, {"names": np.array([-1.5])}, "other types"),
        ({}, {"names": np.array([255, 10], np.uint8)}, "invalid start byte"),
        ({}, {"names": np.zeros(0, np.uint8)}, "holds 1 to"),
        ({}, {"logarithm": MEANS[:2]}, "each with a mean"),
        ({}, {"logarithm": MEANS.astype(int)}, "other types"),
        ({}, {"deviation": -SPREADS}, "negative"),
        ({}, {"deviation": SPREADS[None]}, "a mean"),
        ({"link": "identity"}, {}, "link log"),
        ({"noise": 1.0}, {}, "no offset, noise"),
        ({"quantity": "volts"}, {}, "quantity"),
        ({"device": "a\nb"}, {}, "device"),
        ({"quantiles": [[0.9, 1.0, 1.0], [0.5, 1.0, 1.0]]}, {}, "levels rise"),
        ({"quantiles": [[1.5, 1.0, 1.0]]}, {}, "levels rise"),
        ({"more": 1}, {}, "more"),
    ],
)
def test_files_that_say_what_is_not_so(tmp_path, said, arrays, expected):
    path = stored(tmp_path, SAID | said, **arrays)
    with pytest.raises(InputError, match=expected) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: not a list of networks, or damaged: ")
    assert "\n" not in str(raised.value)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_are_one_line_or_a_predictor(path, tmp_path, data):
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
            content[place] = data.draw(st.integers(0, 255))
    (tmp_path / "c.safetensors").write_bytes(content)
    said = ""
    try:
        load(tmp_path / "c.safetensors").predict("resnet 18")
    except InputError as error:
        said = str(error)
    assert "\n" not in said


def test_on_the_command_line(path):
    found = CliRunner().invoke(predict, ["--device", str(path), "--arch", "0 1 2"], standalone_mode=False)
    assert found.return_value["networks"][0]["energy_J"] == pytest.approx(1)


def test_over_http(path):
    pytest.importorskip("fastapi")
    import asyncio

    import httpx

    from hwmodel.latency.server.app import make_app
    from hwmodel.latency.server.limits import Limits

    app = make_app({"phone": load(path)}, Limits(requests_per_s=0))

    async def asked():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            described = await client.get("/openapi.json")
            found = await client.post("/v1/predict", json={"networks": [[0, 1, 2], [2, 1, 0]]})
            wrong = await client.post("/v1/predict", json={"networks": ["nothing"]})
            return described, found, wrong

    described, found, wrong = asyncio.run(asked())
    assert "resnet" not in json.dumps(described.json())
    assert found.json()["energy_J"] == pytest.approx([1, 3])
    assert (wrong.status_code, "none of the 4" in wrong.json()["error"]) == (422, True)
