"""Every runtime computes what torch does, of every kind of layer."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.graph import Graph
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.fill import filled
from hwmodel.latency.graph.from_onnx import from_onnx
from hwmodel.latency.graph.from_torch import from_torch
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.runtimes import Runtime, find_runtime, known_runtimes
from hwmodel.latency.runtimes.eager import Eager
from hwmodel.latency.runtimes.executorch import ExecuTorch
from hwmodel.latency.runtimes.litert.run import LiteRT
from hwmodel.latency.runtimes.onnx.run import OnnxRuntime
from tests.hwmodel.latency.modules import warm
from tests.hwmodel.latency.networks import GRAPHS, vision
from traces.networks import find_network

needs = {"litert": "ai_edge_litert", "onnxruntime": "onnxruntime", "executorch": "executorch"}
RUNTIMES = [
    pytest.param(kind, marks=pytest.mark.skipif(importlib.util.find_spec(needs[kind.name]) is None,
                                                reason=f"{needs[kind.name]} is not installed"), id=kind.name)
    for kind in (LiteRT, OnnxRuntime, ExecuTorch)
]  # fmt: skip
WRITING = [one for one in RUNTIMES if one.id != "executorch"]  # quick enough for many graphs


def inputs_of(graph: Graph, seed: int = 1) -> list[np.ndarray]:
    drawn = np.random.default_rng(seed)
    return [
        drawn.standard_normal(value.shape, np.float32)
        if value.dtype == "float32"
        else drawn.integers(0, 3, value.shape, value.dtype)
        for value in graph.inputs
    ]


def run(runtime: Runtime, graph: Graph, folder: Path) -> list[np.ndarray]:
    prepared = runtime.prepare(graph, folder, 1)
    prepared.load(inputs_of(graph))
    prepared.run()
    first = prepared.outputs()
    prepared.unload()
    prepared.load(inputs_of(graph))
    prepared.run()
    assert all((one == other).all() for one, other in zip(first, prepared.outputs(), strict=True))
    return first


def check(kind: type, graph: Graph, folder: Path) -> None:
    ours, torchs = (run(one, filled(graph), folder) for one in (kind(), Eager()))
    assert len(ours) == len(torchs) == len(graph.outputs)
    for mine, right in zip(ours, torchs, strict=True):
        assert mine.shape == right.shape
        close = 1e-4 if kind is not ExecuTorch else 5e-3  # which computes gelu_tanh as gelu
        np.testing.assert_allclose(mine, right, rtol=close, atol=close / 5 * max(1.0, float(np.abs(right).max())))


@pytest.mark.parametrize("kind", RUNTIMES)
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_a_runtime_computes_what_torch_does(kind: type, graph, tmp_path: Path):
    check(kind, graph(), tmp_path)


@pytest.mark.parametrize("size", [32, 35, 40])
@pytest.mark.parametrize("kind", WRITING)
def test_other_sizes_pad_otherwise(kind: type, size: int, tmp_path: Path):
    check(kind, vision(size), tmp_path)


@pytest.mark.parametrize("kind", WRITING)
@pytest.mark.parametrize("name", ["mobilenet_v2", "mobilenet_v3_small", "resnet18", "squeezenet"])
def test_a_whole_network(kind: type, name: str, tmp_path: Path):
    """From the torch module itself to what the runtime makes of its weights."""
    torch.manual_seed(0)
    module, image = warm(find_network(name)()), torch.randn(1, 3, 64, 64)
    prepared = kind().prepare(canonical(from_torch(module, (image,))), tmp_path, 1)
    prepared.load([image.numpy()])
    prepared.run()
    with torch.no_grad():
        right = module(image).numpy()
    np.testing.assert_allclose(prepared.outputs()[0], right, rtol=1e-3, atol=1e-4 * float(np.abs(right).max()))


def test_a_function_that_one_runtime_has_and_another_has_not(tmp_path: Path):
    w = Writer()
    graph = w.graph(w.activation(w.input(2, 3), "erf"))
    if importlib.util.find_spec("onnxruntime"):
        check(OnnxRuntime, graph, tmp_path)
    if importlib.util.find_spec("ai_edge_litert"):
        with pytest.raises(InputError, match=r"activation: LiteRT has no way to run the activation 'erf'"):
            LiteRT().prepare(graph, tmp_path, 1)


@pytest.mark.parametrize("name", ["vision", "words"])
def test_what_is_written_as_onnx_is_read_back_the_same(name: str, tmp_path: Path):
    pytest.importorskip("onnx")
    graph = canonical(filled(GRAPHS[name]()))
    OnnxRuntime().prepare(graph, tmp_path, 1)
    again = canonical(from_onnx(tmp_path / "model.onnx"))
    layers, others = ([(node.kind, dict(node.attributes), node.output.shape, dict(node.weight_shapes))
                       for node in one.nodes] for one in (graph, again))  # fmt: skip
    assert layers == others


@pytest.mark.parametrize("kind", WRITING)
def test_types_that_are_mixed_are_named(kind: type, tmp_path: Path):
    w = Writer()
    graph = w.graph(w.add(w.input(2, 3), w.input(2, 3, dtype="uint8")))
    with pytest.raises(InputError, match=r"add: a layer of kind 'add' mixes float32, uint8; .* takes one type"):
        kind().prepare(graph, tmp_path, 1)


SIDES = st.integers(0, 2)
PADS = st.tuples(SIDES, SIDES, SIDES, SIDES)
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@pytest.mark.parametrize("kind", WRITING)
@settings(max_examples=40, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)), stride=PAIRS, dilation=PAIRS, padding=PADS,
    size=st.tuples(st.integers(13, 18), st.integers(13, 18)), groups=st.sampled_from([1, 2, 6]),
    activation=st.sampled_from([None, "relu", "relu6", "hardswish"]),
)  # fmt: skip
def test_any_convolution(kind, tmp_path_factory, kernel, stride, dilation, padding, size, groups, activation):
    w = Writer()
    about = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "activation": activation}
    y = w.layer("conv", (w.input(1, 6, *size),), {"weight": (12, 6 // groups, *kernel)}, **about)
    check(kind, w.graph(y), tmp_path_factory.mktemp("conv"))


@pytest.mark.parametrize("kind", WRITING)
@settings(max_examples=40, deadline=None)
@given(
    kernel=st.tuples(st.integers(2, 4), st.integers(2, 4)), stride=PAIRS, padding=st.tuples(*[st.integers(0, 1)] * 2),
    size=st.tuples(st.integers(9, 14), st.integers(9, 14)), ceil=st.booleans(), counted=st.booleans(),
    pool=st.sampled_from(["max_pool", "avg_pool"]),
)  # fmt: skip
def test_any_pool(kind, tmp_path_factory, kernel, stride, padding, size, ceil, counted, pool):
    about = {"kernel": kernel, "stride": stride, "padding": (*padding, *padding), "ceil": ceil}
    about |= {"count_padding": counted} if pool == "avg_pool" else {}
    w = Writer()
    y = w.layer(pool, (w.input(1, 5, *size),), **about)
    check(kind, w.graph(y), tmp_path_factory.mktemp("pool"))


@pytest.mark.parametrize("kind", WRITING)
def test_a_layer_of_no_known_kind_is_named(kind: type, tmp_path: Path):
    graph = vision()
    graph = replace(graph, nodes=(replace(graph.nodes[0], kind="wavelet"), *graph.nodes[1:]))
    with pytest.raises(InputError, match=r"conv: .* has no way to run a layer of kind 'wavelet'"):
        kind().prepare(graph, tmp_path, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", WRITING)
def test_constants_must_be_there(kind: type, tmp_path: Path):
    with pytest.raises(InputError, match="conv: has no bias, weight"):
        kind().prepare(vision(), tmp_path, 1)


@pytest.mark.parametrize("kind", WRITING)
def test_an_activation_that_no_runtime_has_is_named(kind: type, tmp_path: Path):
    w = Writer()
    graph = w.graph(w.activation(w.input(1, 3), "relu"))
    graph = replace(graph, nodes=(replace(graph.nodes[0], attributes={"activation": "snake"}),))
    with pytest.raises(InputError, match=r"activation: .* the activation 'snake'"):
        kind().prepare(graph, tmp_path, 1)


def test_runtimes_are_found_by_name():
    assert set(known_runtimes()) >= {"torch", "litert", "onnxruntime", "executorch"}
    assert find_runtime("torch").name == "torch"
    with pytest.raises(InputError, match="runtime 'tensorrt': unknown; give one of executorch, litert"):
        find_runtime("tensorrt")


def test_a_runtime_that_is_not_installed_says_how_to(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"runtime executorch: .* pip install 'hwmodel\[executorch\]'"):
        ExecuTorch().prepare(vision(), Path(), 1)


def test_the_same_seed_fills_the_same():
    one, other, third = (filled(vision(), seed) for seed in (0, 0, 1))
    assert one == other
    first = [graph.nodes[0].weights["weight"] for graph in (one, other, third)]
    assert (first[0] == first[1]).all()
    assert (first[0] != first[2]).any()
    assert filled(one) == one
    half = replace(one, nodes=(replace(one.nodes[0], weights={}), *one.nodes[1:]))
    assert set(filled(half).nodes[0].weights) == {"weight", "bias"}
