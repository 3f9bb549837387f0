"""Descriptions hold a graph but for its weights, and nothing else passes for one."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import describe, of_description
from hwmodel.latency.graph.from_torch import from_torch
from tests.hwmodel.latency.modules import OPERATORS, graph_of, image, networks, warm


def document(name="mobilenet_v3_small"):
    return json.loads(json.dumps(describe(canonical(graph_of(name)))))


DOCUMENT = document()
CONV = next(number for number, layer in enumerate(DOCUMENT["layers"]) if layer["kind"] == "conv")


def with_(value, *path):
    """Return the document with another value at a place, or without it."""
    changed = copy.deepcopy(DOCUMENT)
    *above, last = path
    place = changed
    for part in above:
        place = place[part]
    if value is DELETED:
        del place[last]
    else:
        place[last] = value
    return changed


DELETED = object()


@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v3_small", "vit_b_16", "bert_base"])
def test_a_network_comes_back(name):
    graph = canonical(graph_of(name))
    assert of_description(json.loads(json.dumps(describe(graph)))) == graph


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", OPERATORS)
def test_every_kind_of_layer_comes_back(name):
    module, inputs = OPERATORS[name]
    graph = from_torch(module, inputs)
    assert of_description(json.loads(json.dumps(describe(graph)))) == graph


@settings(max_examples=8)
@given(networks())
def test_a_drawn_network_comes_back(module):
    graph = canonical(from_torch(warm(module), (image(),)))
    again = of_description(describe(graph))
    assert again == graph
    assert not any(node.weights for node in again.nodes)


@pytest.mark.parametrize(
    ("hostile", "piece"),
    [
        (None, "description"),
        ([], "description"),
        ({}, "format"),
        (with_("1.0", "version"), "version"),
        (with_(2, "version"), "version: 2"),
        (with_("other", "format"), "format: 'other'"),
        (with_(0, "extra"), "extra"),
        (with_([], "outputs"), "outputs"),
        (with_(["nothing"], "outputs"), "'nothing'"),
        (with_("conv3d", "layers", CONV, "kind"), "'conv3d'"),
        (with_(["later"], "layers", CONV, "inputs"), "'later'"),
        (with_([], "layers", CONV, "inputs"), "0 inputs"),
        (with_([1, 3, 7], "layers", CONV, "shape"), "shape"),
        (with_([1, 16, 0, 112], "layers", CONV, "shape"), "shape"),
        (with_([1, 1 << 40, 1, 1], "layers", CONV, "shape"), "shape"),
        (with_(["1", 16, 112, 112], "layers", CONV, "shape"), "shape"),
        (with_([1] * 9, "inputs", 0, "shape"), "shape"),
        (with_([1 << 31] * 8, "inputs", 0, "shape"), "elements"),
        (with_("float", "layers", CONV, "dtype"), "dtype"),
        (with_(DELETED, "layers", CONV, "attributes", "stride"), "stride"),
        (with_([2], "layers", CONV, "attributes", "stride"), "stride"),
        (with_([0, 1], "layers", CONV, "attributes", "stride"), "stride"),
        (with_([True, 2], "layers", CONV, "attributes", "stride"), "stride"),
        (with_(7, "layers", CONV, "attributes", "groups"), "groups"),
        (with_("flu", "layers", CONV, "attributes", "activation"), "activation"),
        (with_(1, "layers", CONV, "attributes", "depth"), "depth"),
        (with_({}, "layers", CONV, "constants"), "without weight"),
        (with_([17], "layers", CONV, "constants", "bias"), "bias"),
        (with_([16, 3, 300, 300], "layers", CONV, "constants", "weight"), "too large"),
        (with_([16], "layers", CONV, "constants", "mean"), "mean"),
        (with_(DOCUMENT["layers"][0]["name"], "layers", 1, "name"), "is there already"),
        (with_("n" * 1000, "layers", 0, "name"), "name"),
        (with_(DOCUMENT["layers"] * 300, "layers"), "layers"),
        (with_("activation", "layers", CONV, "kind"), "stride"),
        (with_(float("nan"), "layers", CONV, "attributes", "groups"), "groups"),
    ],
)
def test_what_is_no_graph_is_said_in_one_line(hostile, piece):
    with pytest.raises(InputError) as raised:
        of_description(hostile)
    assert piece in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))


@given(st.data())
def test_any_change_is_a_graph_or_one_line(data):
    """Whatever stands in place of a part, there is no other error."""
    path, part = [], DOCUMENT
    while isinstance(part, (dict, list)) and part and (not path or data.draw(st.booleans())):
        key = data.draw(st.sampled_from(sorted(part)) if isinstance(part, dict) else st.integers(0, len(part) - 1))
        path.append(key)
        part = part[key]
    said = ""
    try:
        of_description(with_(data.draw(LEAVES), *path))
    except InputError as error:
        said = str(error)
    assert "\n" not in said
