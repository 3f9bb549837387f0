"""The predictor of layers: what it takes and says, its files, and spaces made of blocks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import describe
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.layers.predictor import KIND, LayersPredictor, write_layers
from hwmodel.latency.query.container import Container, read_container, write_container
from hwmodel.latency.query.predictor import SpacePredictor, load
from hwmodel.latency.query.relaxed import ExpectedCost
from tests.hwmodel.latency.forms import space_of
from tests.hwmodel.latency.layer_devices import learned, numbers, predictor, small
from tests.hwmodel.latency.networks import GRAPHS


def section(channels: int, kernel: int):
    w = Writer()
    return w.graph(w.depthwise(w.conv(w.input(1, 16, 14, 14), channels, 1), kernel))


SPACE = space_of((3, 2, 3))
BLOCKS = {(0, 0): section(32, 3), (0, 1): section(32, 5), (0, 2): None, (1, 0): section(64, 3), (1, 1): section(64, 7),
          (2, 0): section(24, 3), (2, 1): section(96, 3), (2, 2): None}  # fmt: skip


def test_graphs_and_descriptions_are_one():
    asked = [small(8), GRAPHS["vision"]()]
    found = predictor().predict(asked)
    mean, deviation = learned().predict([canonical(graph) for graph in asked])
    np.testing.assert_array_equal(found.mean, mean)
    np.testing.assert_allclose(np.log(found.mean / found.low), 1.9 * deviation)
    np.testing.assert_allclose(np.log(found.high / found.mean), 2.9 * deviation)
    assert found.level == 0.9
    told = predictor().predict([describe(canonical(graph)) for graph in asked])
    np.testing.assert_allclose(told.mean, mean)
    np.testing.assert_allclose(predictor().predict(asked[0]).mean, mean[:1])
    assert found.unseen == [[], ["grouped", "softmax"]]
    assert predictor().predict(asked, 0.5).high[0] < found.high[0]


@pytest.mark.parametrize(("networks", "said"), [
    ([], "networks: none is given"), ([small(8), 3], "network 1: description"), ("resnet18", "a text; give a graph"),
    (["os:getcwd"], "network 0: 'os:getcwd': a text"), ({}, "network 0: description format"), (None, "description"),
])  # fmt: skip
def test_what_is_no_network(networks, said):
    with pytest.raises(InputError, match=said):
        predictor().predict(networks)


def test_levels():
    with pytest.raises(InputError, match=r"level 0.7: none of .*; give 0.5, 0.68"):
        predictor().predict(small(8), 0.7)
    bare = predictor(quantiles=[])
    assert bare.predict(small(8)).high is None
    with pytest.raises(InputError, match=r"level 0.9: none of .*; it has no intervals"):
        bare.predict(small(8), 0.9)


def test_layers_are_told_with_their_shares():
    graph = GRAPHS["vision"]()
    rows = predictor().layers(graph)
    found = predictor().predict(graph)
    assert sum(row["latency_s"] for row in rows) == pytest.approx(found.mean[0])
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert [row["layer_class"] for row in rows if not row["seen"]] == ["grouped", "softmax"]
    names = [node.name for node in canonical(graph).nodes if node.kind != "reshape"]
    assert [row["layer"] for row in rows] == names
    w = Writer()
    assert predictor().layers(w.graph(w.input(1, 3))) == []


def test_extreme_intervals_stay_numbers():
    huge = LayersPredictor(numbers(quantiles=[[0.9, 1e300, 1e300]]), learned())
    w = Writer()
    found = huge.predict([small(8), w.graph(w.input(1, 3))])
    assert np.isfinite([found.low, found.high]).all()
    assert found.mean[1] == found.low[1] == found.high[1] == 0


def test_a_space_of_blocks_is_the_sum_of_what_is_predicted_of_them():
    rest = small(8)
    form = predictor().tables(SPACE, BLOCKS, rest)
    noise = np.exp(learned().parameters[-1])
    for code in ([0, 1, 2], [2, 0, 0], [1, 1, 1]):
        graphs = [graph for place in enumerate(code) if (graph := BLOCKS[place]) is not None] + [rest]
        mean, covariance = learned().joint([canonical(graph) for graph in graphs])
        found = SpacePredictor(form).predict([code])
        assert found.mean[0] == pytest.approx(mean.sum())
        deviation = np.sqrt(covariance.sum() + noise * mean.sum() ** 2)
        assert found.high[0] - found.mean[0] == pytest.approx(2.9 * deviation, rel=1e-4)
        assert found.mean[0] - found.low[0] == pytest.approx(1.9 * deviation, rel=1e-4)
    assert predictor().tables(SPACE, BLOCKS).offset == 0
    nothing = predictor().tables(SPACE, dict.fromkeys(BLOCKS))
    assert not nothing.table.any()


def test_a_choice_without_a_block_is_named():
    with pytest.raises(InputError, match="layer 1, choice 1: no block is given"):
        predictor().tables(SPACE, {place: graph for place, graph in BLOCKS.items() if place != (1, 1)})


def test_a_space_of_blocks_has_a_gradient():
    form = predictor().tables(SPACE, BLOCKS, small(8))
    logits = torch.zeros(3, 3, requires_grad=True, dtype=torch.float64)
    ExpectedCost(form, "high", 0.9)(torch.softmax(logits, dim=1)).backward()
    assert logits.grad is not None
    assert logits.grad[0, 2] < 0  # towards nothing at all
    assert logits.grad[1, 0] < logits.grad[1, 1]  # rather the smaller window


def test_it_says_what_it_is_and_its_example_is_a_network():
    one = predictor()
    about = one.about()
    assert (about["kind"], about["device"], about["blocks"]) == ("layers", "desk", 50)
    assert one.predict(one.example()).mean[0] > 0
    assert set(one.schemas()[0]["required"]) <= set(one.example())


@pytest.fixture
def file(tmp_path):
    write_layers(tmp_path / "desk.safetensors", numbers(conditions={"runtime": "fake"}), learned())
    return tmp_path / "desk.safetensors"


def test_files_are_read_as_they_were_written(file):
    found = load(file)
    asked = [GRAPHS["attention"](), small(8)]
    expected = predictor().predict(asked)
    for name in ("mean", "low", "high"):
        np.testing.assert_array_equal(getattr(found.predict(asked), name), getattr(expected, name))
    assert found.about()["conditions"] == {"runtime": "fake"}
    assert found.levels == predictor().levels


@pytest.mark.parametrize("part", [0.0, 0.01, 0.1, 0.5, 0.99])
def test_truncated_files(file, part):
    file.write_bytes(file.read_bytes()[: int(part * file.stat().st_size)])
    with pytest.raises(InputError) as found:
        load(file)
    assert "\n" not in str(found.value)
    assert str(found.value).startswith(str(file))


def test_flipped_bytes_are_a_line_or_a_predictor(file):
    content, drawn = file.read_bytes(), np.random.default_rng(0)
    for place in [*drawn.integers(0, 3000, 60), *drawn.integers(0, len(content), 60)]:
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            found = load(file).predict(small(8))
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert np.isfinite([found.mean, found.low, found.high]).all()


def altered(file, about=(), arrays=(), without=()):
    content = read_container(file)
    kept = {name: array for name, array in content.arrays.items() if name not in without}
    said = {name: one for name, one in content.about.items() if name not in without}
    write_container(file, Container(KIND, said | dict(about), kept | dict(arrays)))


@pytest.mark.parametrize(("about", "said"), [
    ({"terms": ["call"]}, "learned with other terms than this hwmodel has; fit it anew"),
    ({"classes": None}, "learned with other terms"),
    ({"quantity": "weight_kg"}, "not a predictor of layers, or damaged"),
    ({"device": ""}, "not a predictor of layers, or damaged"),
    ({"more": 1}, "not a predictor of layers, or damaged"),
    ({"quantiles": [[0.9, 1]]}, "not a predictor of layers, or damaged"),
])  # fmt: skip
def test_files_that_say_what_is_not_known(file, about, said):
    altered(file, about)
    with pytest.raises(InputError, match=said) as found:
        load(file)
    assert "\n" not in str(found.value)


def hostile():
    model = learned()
    count, blocks = len(model.of), len(model.fitted)
    yield "prices", -model.prices, "prices out of range"
    yield "prices", np.full_like(model.prices, 1e300), "prices out of range"
    yield "prices", model.prices[:-1], "prices is not as"
    yield "parameters", np.full(10, 51.0), "parameters out of range"
    yield "parameters", np.zeros((10, 1)), "parameters is not as"
    yield "classes", np.full(count, 99), "classes out of range"
    yield "classes", model.classes.astype(float), "classes is not as"
    yield "classes", -1 - model.classes, "classes out of range"
    yield "shapes", model.shapes[:, :5], "shapes is not as"
    yield "shapes", model.shapes * 1e4, "shapes out of range"
    yield "shares", model.shares * 1e3, "shares out of range"
    yield "of", np.full(count, blocks), "layers of blocks that are not there"
    yield "of", model.of - 1, "layers of blocks that are not there"
    yield "of", np.zeros(count, np.int64), "blocks without layers"
    yield "of", np.zeros(0, np.int64), "classes is not as"
    yield "fitted", model.fitted * 1e30, "fitted out of range"
    yield "fitted", model.fitted[:-1], "inverse is not as"
    yield "fitted", np.zeros((0,)), "inverse is not as"
    yield "inverse", np.eye(blocks) * 1e20, "inverse out of range"
    yield "inverse", model.inverse[0], "inverse is not as"


@pytest.mark.parametrize("case", range(len(list(hostile()))))
def test_hostile_arrays(file, case):
    name, array, said = list(hostile())[case]
    altered(file, arrays={name: array})
    with pytest.raises(InputError, match=said) as found:
        load(file)
    assert "\n" not in str(found.value)
    assert str(file) in str(found.value)


def test_files_of_too_many_layers(file):
    many = 20_001
    altered(file, arrays={"classes": np.zeros(many, np.int64), "of": np.zeros(many, np.int64),
                          "shapes": np.zeros((many, 6)), "shares": np.ones(many), "fitted": np.ones(1),
                          "inverse": np.ones((1, 1))})  # fmt: skip
    with pytest.raises(InputError, match="20001 layers of 1 blocks; 1 to 20000 of each are read"):
        load(file)


@pytest.mark.parametrize("name", ["prices", "inverse", "device", "quantity", "link"])
def test_files_that_lack_something(file, name):
    altered(file, without=(name,))
    with pytest.raises(InputError, match="not a predictor of layers, or damaged"):
        load(file)


def test_a_file_without_blocks_is_none(file):
    none = replace(learned(), classes=np.zeros(0, int), of=np.zeros(0, int), shapes=np.zeros((0, 6)),
                   shares=np.zeros(0), fitted=np.zeros(0), inverse=np.zeros((0, 0)))  # fmt: skip
    write_layers(file, numbers(), none)
    with pytest.raises(InputError, match="0 layers of 0 blocks"):
        load(file)
