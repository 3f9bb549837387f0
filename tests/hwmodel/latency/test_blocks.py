"""Blocks from files and random networks: reproducible, spread, and refused in one line where nothing comes of them."""

import json
import math
from pathlib import Path

import pytest
import yaml

from circuits.errors import InputError
from hwmodel.latency.graph.fill import filled
from hwmodel.latency.profile.blocks import DEFAULT, read_blocks
from hwmodel.latency.profile.design import ENDS, KINDS, MOST_WEIGHTS, candidates, designed
from hwmodel.latency.profile.families import FAMILIES, random_network
from hwmodel.latency.profile.items import anchors, blocks, checked, random_networks
from hwmodel.latency.profile.sections import SECTIONS


def test_the_blocks_that_come_along_are_of_those_that_were_drawn():
    known = yaml.safe_load(DEFAULT.read_text())["blocks"]
    drawn = {json.dumps(given): kind for kind, given, _ in candidates()}
    kinds = [drawn[json.dumps(given)] for name, given in known.items() if name not in ENDS]
    assert {kind: kinds.count(kind) for kind in KINDS} == KINDS
    assert {name: known[name] for name in ENDS} == ENDS
    assert len(known) <= 50


def test_as_many_blocks_are_designed():
    made = designed()
    assert len(made) == sum(KINDS.values()) + len(ENDS)
    assert len({json.dumps(one) for one in made.values()}) == len(made)


def test_the_design_covers_kernels_strides_and_sizes():
    drawn = [one for name, one in yaml.safe_load(DEFAULT.read_text())["blocks"].items() if name not in ENDS]
    parts = [section for one in drawn for section in one["sections"]]
    assert {one["kind"] for one in parts} == {*KINDS, "pool", "head"}
    assert {one["kernel"] for one in parts if one["kind"] in ("inverted", "separable")} == {3, 5, 7}
    assert {one["kernel"] for one in parts if one["kind"] == "conv"} == {1, 3, 5, 7}
    assert {one["excite"] for one in parts if one["kind"] == "inverted"} == {True, False}
    assert {one["stride"] for one in parts if one["kind"] == "inverted"} == {1, 2}
    assert {one["side"] for one in drawn} >= {7, 28, 56, 224}
    for item in blocks(None):
        weights = sum(math.prod(shape) for node in item.graph.nodes for shape in node.weight_shapes.values())
        assert 4 * weights < MOST_WEIGHTS


def test_a_block_may_be_several_sections(tmp_path: Path):
    path = tmp_path / "b.yaml"
    sections = "[{kind: conv, out: 8, stride: 2, repeat: 2}, {kind: depthwise}, {kind: depthwise, kernel: 5}]"
    path.write_text(f"blocks:\n  one: {{side: 16, channels: 3, sections: {sections}}}\n")
    [block] = read_blocks(path)
    nodes = block.graph().nodes
    assert [node.weight_shapes["weight"] for node in nodes] == [(8, 3, 3, 3), (8, 8, 3, 3), (8, 1, 3, 3), (8, 1, 5, 5)]
    assert {node.output.shape for node in nodes} == {(1, 8, 8, 8)}
    assert block.kind == "depthwise"


@pytest.mark.parametrize("kind", SECTIONS)
def test_every_kind_of_section_makes_a_block(kind: str, tmp_path: Path):
    out = dict.fromkeys(("separable", "conv", "inverted", "basic", "bottleneck", "fire", "linear"), "out: 16")
    options = out | {
        "dense": "growth: 8, layers: 2",
        "elementwise": "operation: add",
        "head": "features: 16, classes: 3",
    }
    side = 0 if kind == "linear" else 8
    path = tmp_path / "b.yaml"
    path.write_text(f"blocks:\n  one: {{kind: {kind}, side: {side}, channels: 16, {options.get(kind, '')}}}\n")
    [block] = read_blocks(path)
    graph = filled(block.graph())
    assert graph.inputs[0].shape == ((1, 16, 8, 8) if side else (1, 16))
    assert all(set(node.weights) == set(node.weight_shapes) for node in graph.nodes)


def test_a_block_repeats_its_section_and_slides_once(tmp_path: Path):
    path = tmp_path / "b.yaml"
    path.write_text("blocks:\n  one: {kind: conv, side: 16, channels: 4, out: 8, stride: 2, repeat: 3}\n")
    [block] = read_blocks(path)
    assert [node.output.shape for node in block.graph().nodes] == [(1, 8, 8, 8)] * 3


@pytest.mark.parametrize(("text", "line"), [
    ("blocks: {}", "give `blocks:`, a map"),
    ("other: 1", "give `blocks:`, a map"),
    ("blocks: {a: {kind: wave}}", "block a: give a kind, one of conv, depthwise"),
    ("blocks: {a: 3}", "block a: give a kind"),
    ("blocks: {a: {kind: conv, side: 8, out: 4}}", "block a: channels: None is no whole number from 1"),
    ("blocks: {a: {kind: conv, side: -8, channels: 4, out: 4}}", "block a: side: -8 is no whole number from 0"),
    ("blocks: {a: {kind: conv, side: 8, channels: 4, out: 4, repeat: true}}", "block a: repeat: True is no whole"),
    ("blocks: {a: {kind: conv, side: 8, channels: 4, width: 4}}", "block a: unknown width; a conv has out, kernel"),
    ("blocks: {a: {side: 8, channels: 4, sections: []}}", "block a: with sections: a list of them"),
    ("blocks: {a: {side: 8, channels: 4, repeat: 2, sections: [{kind: depthwise}]}}", "block a: with sections: a list"),
    ("blocks: {a: {side: 8, channels: 4, sections: [{kind: wave}]}}", "block a: give a kind, one of conv"),
    ("blocks: {a: {side: 8, channels: 4, sections: [{kind: conv, side: 3}]}}", "block a: unknown side; a conv has"),
    ("blocks: {a: {kind: conv, side: 8, channels: 4}}", "block a: no network comes of it"),
    ("blocks: {a: {kind: conv, side: 8, channels: 4, out: 4, groups: 3}}", "block a: no network comes of it"),
    ("blocks: {a: {kind: conv, side: 8, channels: 4, out: many}}", "block a: no network comes of it"),
    ("blocks: {a: {kind: elementwise, side: 60000, channels: 60000, operation: add}}", "block a: a value of shape"),
    ("blocks: {a: {kind: elementwise, side: 8, channels: 6, operation: snake}}", "block a: no network comes of it"),
])  # fmt: skip
def test_a_block_that_cannot_be_is_told_in_a_line(text: str, line: str, tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_blocks(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_ten_networks_that_differ_and_stay(family: str):
    made = [random_network(family, number) for number in range(10)]
    assert made == [random_network(family, number) for number in range(10)]
    assert len({repr(graph) for graph in made}) == 10
    assert made[0] != random_network(family, 0, seed=1)
    for graph in made:
        macs = sum(math.prod(node.weight_shapes.get("weight", (0,))) * math.prod(node.output.shape[2:])
                   for node in graph.nodes)  # fmt: skip
        assert 1e7 < macs < 3e9
        assert graph.values()[graph.outputs[0]].shape == (1, 1000)


def test_families_take_turns():
    assert [item.family for item in random_networks(5)] == [*FAMILIES, *list(FAMILIES)[:2]]
    with pytest.raises(InputError, match=r"family 'wave': unknown; known are mobile, residual, concatenating"):
        random_network("wave", 0)


def test_names_are_of_one_thing_each():
    everything = [*blocks(None), *random_networks(30), *anchors()]
    assert len(checked(everything)) == len(everything) == len({item.digest for item in everything})
    with pytest.raises(InputError, match=r"inverted_1: names two things"):
        checked([*everything, everything[0]])
    with pytest.raises(InputError, match=r"nothing to profile"):
        checked([])
