"""Graphs of ONNX files compute what ONNX's reference and torch do, and no file does harm."""

import importlib
import io
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.from_onnx import from_onnx
from hwmodel.latency.graph.from_torch import from_torch
from tests.hwmodel.latency.modules import Of, hard_swish, image, networks, shuffled, warm
from tests.hwmodel.latency.test_canonical import kinds
from tests.hwmodel.latency.test_from_torch import FACTORIES, compare
from tests.naive.graphs import run

onnx = pytest.importorskip("onnx")
helper = importlib.import_module("onnx.helper")
FLOAT, INT = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def exported(module, inputs, path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about its own age
        torch.onnx.export(module.eval(), inputs, path, dynamo=False, **options)
    return path


@settings(max_examples=8)
@given(networks())
@torch.no_grad()
def test_a_drawn_network_is_what_torch_computes(tmp_path_factory, module):
    path = exported(module, (image(),), tmp_path_factory.mktemp("onnx") / "drawn.onnx")
    graph = from_onnx(path)
    compare(module, (image(),), graph)
    assert sorted(kinds(canonical(graph))) == sorted(kinds(canonical(from_torch(module, (image(),)))))


@pytest.mark.parametrize("name", ["squeezenet", "mobilenet_v3_small"])
@torch.no_grad()
def test_a_network_is_what_torch_computes(name, tmp_path):
    module, inputs = warm(FACTORIES[name].load()()), (torch.rand(1, 3, 64, 64),)
    graph = from_onnx(exported(module, inputs, tmp_path / "network.onnx"))
    compare(module, inputs, graph)
    again = canonical(graph)
    compare(module, inputs, again)
    assert sorted(kinds(again)) == sorted(kinds(canonical(from_torch(module, inputs))))


MODULES = {
    "shuffle": Of(shuffled),
    "hard swish": Of(hard_swish),
    "gelu": nn.GELU(),
    "norm": nn.LayerNorm(8),
    "upsample": nn.Upsample(scale_factor=2, mode="bilinear"),
    "pad": nn.Sequential(nn.ZeroPad2d((1, 2, 0, 3)), nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2, 1, 1)),
    "cuts": Of(lambda x: (x[:, 1:3, ::2], *x.chunk(2, 1), x[:, 0], x.unsqueeze(1).squeeze(1))),
    "attention": Of(lambda x: nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)),
    "linear": nn.Sequential(nn.Linear(8, 5), nn.Flatten(), nn.Linear(180, 3), nn.BatchNorm1d(3)),
    "clips": Of(lambda x: (x.clamp(0, 6), x.clamp(min=0), x - 1, x / 3, x.sum((2, 3)), x.softmax(-1))),
    "open shape": Of(lambda x: x.view(x.shape[0], -1, x.shape[3]) * x.new_ones(x.shape[3])),
}


@pytest.mark.parametrize("name", MODULES)
@torch.no_grad()
def test_what_torch_exports_is_what_it_computes(name, tmp_path):
    module, open_batch = warm(MODULES[name]), {"x": {0: "batch"}}
    path = exported(module, (image(),), tmp_path / "m.onnx", input_names=["x"], dynamic_axes=open_batch)
    graph = from_onnx(path, batch=2)
    assert graph.inputs[0].shape == image().shape
    compare(module, (image(),), graph)
    compare(module, (image(),), canonical(graph))
    assert from_onnx(path).inputs[0].shape[0] == 1


def model(nodes, weights=(), shape=(1, 4, 9, 8), outputs=("y",), version=17, inputs=("x",)):
    """Return a file's bytes; weights are arrays by name."""
    tensors = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in dict(weights).items()]
    given_ = [helper.make_tensor_value_info(name, FLOAT, shape) for name in inputs]
    made = [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs]
    graph = helper.make_graph(nodes, "g", given_, made, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])


def node(kind, inputs, outputs=("y",), **attributes):
    return helper.make_node(kind, list(inputs), list(outputs), **attributes)


def saved(made, folder):
    path = folder / "model.onnx"
    path.write_bytes(made.SerializeToString() if not isinstance(made, bytes) else made)
    return path


F = np.float32
WEIGHT, VECTOR = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(F), np.arange(1, 5).astype(F)
MADE = {
    "same, upper": model([node("Conv", "xw", auto_pad="SAME_UPPER", strides=[2, 2], group=2)], {"w": WEIGHT}),
    "same, lower": model([node("Conv", ["x", "w"], auto_pad="SAME_LOWER", strides=[2, 3], group=2)], {"w": WEIGHT}),
    "gemm": model([node("Gemm", "xwb", transA=1, alpha=0.5, beta=2.0)], {"w": np.ones((3, 5), F), "b": np.ones(5, F)},
                  shape=(3, 2)),
    "gemm of two": model([node("Gemm", ["x", "z"], transB=1)], shape=(3, 2), inputs=("x", "z")),
    "norm": model([node("BatchNormalization", ["x", "w", "w", "w", "w"], epsilon=0.1)], {"w": VECTOR}),
    "old clip": model([node("Clip", "x", min=0.0, max=6.0)], version=6),
    "old slice": model([node("Slice", "x", starts=[1, -3], ends=[3, 100], axes=[1, 3])], version=9),
    "new slice": model([node("Slice", "xsea")], {"s": [1], "e": [9], "a": [-1]}),
    "old split": model([node("Split", "x", ["y", "z"], axis=1, split=[1, 3])], outputs="yz", version=11),
    "uneven split": model([node("Split", "x", ["y", "z"], axis=2, num_outputs=2)], outputs="yz", version=18),
    "mean": model([node("ReduceMean", "x", axes=[2, 3], keepdims=0)]),
    "new mean": model([node("ReduceMean", "xa")], {"a": [-1, -2]}, version=18),
    "global": model([node("GlobalAveragePool", "x")]),
    "pad": model([node("Pad", "xp")], {"p": [0, 0, 1, 2, 0, 0, 3, 0]}),
    "gather": model([node("Gather", "xi", axis=1)], {"i": np.int64(-2)}),
    "shape": model([node("Shape", "x", "s"), node("Gather", "si", "b"), node("Unsqueeze", "bz", "c"),
                    node("Concat", "cm", "t", axis=0), node("Reshape", "xt")],
                   {"i": np.int64(0), "z": [0], "m": [-1]}),
    "hard sigmoid": model([node("HardSigmoid", "x", alpha=1 / 6, beta=0.5)]),
    "leaky": model([node("LeakyRelu", "x")]),
    "identities": model([node("Identity", "x", "a"), node("Dropout", "a", "y")]),
    "nearest": model([node("Resize", ["x", "", "s"], mode="nearest", coordinate_transformation_mode="asymmetric",
                           nearest_mode="floor")], {"s": np.array([1, 1, 2, 2], F)}),
    "weights computed": model([node("Transpose", "w", "t", perm=[1, 0]), node("Mul", "tt", "u"), node("MatMul", "xu")],
                              {"w": np.ones((5, 8), F)}),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_an_operator_is_what_onnx_computes(name, tmp_path):
    made = MADE[name]
    graph = from_onnx(saved(made, tmp_path))
    inputs = [np.random.default_rng(2).normal(size=value.shape).astype(value.dtype) * 4 for value in graph.inputs]
    reference = importlib.import_module("onnx.reference").ReferenceEvaluator(made)
    expected = reference.run(None, {value.name: array for value, array in zip(graph.inputs, inputs, strict=True)})
    for form in (graph, canonical(graph)):
        for ours, theirs in zip(run(form, [torch.from_numpy(one) for one in inputs]), expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4, atol=1e-5)


def test_a_files_own_names_stay(tmp_path):
    made = model([helper.make_node("Relu", ["x"], ["y"], name="first/relu")])
    (layer,) = from_onnx(saved(made, tmp_path)).nodes
    assert layer.name == "first/relu"


def external(location):
    made = model([node("Conv", "xw", group=2)], {"w": WEIGHT})
    onnx.external_data_helper.set_external_data(made.graph.initializer[0], location)
    made.graph.initializer[0].ClearField("raw_data")
    return made


def test_weights_in_a_file_beside_are_left_unread(tmp_path):
    (layer,) = from_onnx(saved(external("weights.bin"), tmp_path)).nodes
    assert layer.weight_shapes == {"weight": (4, 2, 3, 3)}
    assert not layer.weights


def open_input(*shape):
    return model([node("Relu", "x")], shape=shape)


RELU = MADE["leaky"].SerializeToString()
HUGE = 1 << 50
HOSTILE = {
    "empty": (b"", "no ONNX model"),
    "text": (b"name: hello\n" * 20, "no ONNX model"),
    "cut off": (MADE["norm"].SerializeToString()[:-40], "cut off"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "no ONNX model"),
    "open height": (open_input("batch", 3, "height", 224), "dimension 2 (height) is open"),
    "no shape": (model([node("Relu", "x")], shape=None), "has no shape"),
    "huge input": (open_input(HUGE, HUGE), "elements"),
    "huge constant": (model([node("ConstantOfShape", "s", "c"), node("Add", "xc")], {"s": [1 << 20, 1 << 20]}),
                      "elements"),
    "huge pad": (model([node("Pad", "xp")], {"p": [0, 0, HUGE, 0, 0, 0, 0, 0]}), ""),
    "huge resize": (model([node("Resize", ["x", "", "", "s"])], {"s": [1, 4, HUGE, HUGE]}), "elements"),
    "a cycle": (model([node("Add", "xb", "a"), node("Relu", "a", "b"), node("Relu", "b")]), "'b'"),
    "twice": (model([node("Relu", "x"), node("Sigmoid", "x")]), "'y' is there already"),
    "no output": (model([node("Relu", "x")], outputs=["z"]), "'z'"),
    "unknown": (model([node("LSTM", "xww")], {"w": np.ones((1, 4, 4), F)}), "node 0 (LSTM)"),
    "a loop": (model([node("If", "x", then_branch=MADE["leaky"].graph, else_branch=MADE["leaky"].graph)]), "(If)"),
    "random": (model([node("RandomNormal", [], shape=[HUGE])]), "RandomNormal"),
    "outside": (external("../weights.bin"), "outside"),
    "absolute": (external("/etc/passwd"), "outside"),
    "no groups": (model([node("Conv", "xw", group=3)], {"w": WEIGHT}), "groups"),
    "stride 0": (model([node("Conv", "xw", group=2, strides=[0, 0])], {"w": WEIGHT}), "fit"),
    "no weight": (model([node("Conv", "x")]), "(Conv)"),
    "computed weight": (model([node("Conv", "xx")]), "constant"),
    "kernel": (model([node("MaxPool", "x", kernel_shape=[100, 1])]), "too large"),
    "axes": (model([node("ReduceMean", "x", axes=[7])]), "dimension 7"),
    "reshape": (model([node("Reshape", "xs")], {"s": [7, -1]}), "reshape"),
    "order": (model([node("Transpose", "x", perm=[0, 0, 1, 2])]), "order"),
    "negative": (model([node("Slice", "xse")], {"s": [5], "e": [2]}), "empty"),
    "foreign": (model([helper.make_node("Relu", ["x"], ["y"], domain="evil")]), "'evil'"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_network_is_said_in_one_line(name, tmp_path):
    made, piece = HOSTILE[name]
    path = saved(made, tmp_path)
    with pytest.raises(InputError) as raised:
        from_onnx(path)
    assert str(raised.value).startswith(str(path))
    assert piece in str(raised.value)
    assert "\n" not in str(raised.value)


@settings(max_examples=80)
@given(st.sampled_from(sorted(MADE)), st.data())
def test_a_damaged_file_is_a_graph_or_one_line(tmp_path_factory, name, data):
    content = io.BytesIO(MADE[name].SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        content.seek(data.draw(st.integers(0, len(content.getvalue()) - 1)))
        content.write(bytes([data.draw(st.integers(0, 255))]))
    said = ""
    try:
        from_onnx(saved(content.getvalue(), tmp_path_factory.mktemp("damaged")))
    except InputError as error:
        said = str(error)
    assert "\n" not in said


def test_an_attribute_without_a_value_is_named(tmp_path):
    damaged = onnx.ModelProto()
    damaged.CopyFrom(MADE["same, lower"])
    for attribute in damaged.graph.node[0].attribute:
        if attribute.name == "auto_pad":
            attribute.type = onnx.AttributeProto.UNDEFINED
    with pytest.raises(InputError, match="'auto_pad'"):
        from_onnx(saved(damaged.SerializeToString(), tmp_path))


def test_without_the_package_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(importlib.import_module("sys").modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install hwmodel\[onnx\]"):
        from_onnx(saved(RELU, tmp_path))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OSError, match=r"nothing\.onnx"):
        from_onnx(tmp_path / "nothing.onnx")
