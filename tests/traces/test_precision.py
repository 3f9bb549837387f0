"""Element sizes: what a type makes of the bytes of weights, activations and inputs."""

from collections import Counter
from itertools import pairwise

import pytest
import torch
from torch import nn

from tests.traces.modules import Tied, convolutional
from traces.commands import DTYPES
from traces.errors import InputError
from traces.operation import View
from traces.recording import precision as precisions
from traces.recording import record


def views(value):
    if isinstance(value, View):
        return [value]
    return [view for one in value for view in views(one)] if isinstance(value, (list, tuple)) else []


def touched(operation):
    return views([operation.arguments, list(operation.options.values()), operation.outputs])


def names(recording):
    return [one.operator.split(".")[1] for one in recording.operations]


def sizes(recording):
    return {tensor.name: tensor.bytes for tensor in recording.tensors}


def perceptron():
    return nn.Sequential(nn.Linear(128, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 16))


def image():
    return torch.zeros(2, 3, 16, 16)


def test_the_command_offers_what_is_known():
    assert DTYPES == precisions.DTYPES


def test_tf32_is_float32_whose_products_round():
    plain, rounded = (record(convolutional(), image(), dtype=dtype) for dtype in ("fp32", "tf32"))
    assert rounded.tensors == plain.tensors
    assert names(rounded) == names(plain)
    marked = Counter(one.operator.split(".")[1] for one in rounded.operations if one.products == "tf32")
    assert marked == {"convolution": 1, "addmm": 1, "mm": 2, "convolution_backward": 1}
    assert not any(one.products for one in plain.operations)


@pytest.mark.parametrize(("dtype", "name"), [("bf16", "bfloat16"), ("fp16", "float16")])
def test_half_precision_stores_an_inference_in_two_bytes(dtype, name):
    plain, half = (record(convolutional(), image(), "inference", dtype=one) for one in ("fp32", dtype))
    assert names(half) == names(plain)  # no casts
    assert half.macs == plain.macs
    for one in half.operations:
        assert {(view.dtype, view.itemsize) for view in touched(one) if view.dtype != "int64"} == {(name, 2)}
    assert all(2 * size == sizes(plain)[key] for key, size in sizes(half).items() if "max_pool" not in key)


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_half_precision_trains_under_autocast(dtype):
    recording = record(perceptron(), torch.zeros(4, 128), dtype=dtype)
    plain = record(perceptron(), torch.zeros(4, 128))
    kept = {"parameter", "optimizer"}
    assert {t.name: t.bytes for t in recording.tensors if t.kind in kept} == {
        t.name: t.bytes for t in plain.tensors if t.kind in kept
    }
    products = [one for one in recording.operations if one.operator.startswith(("aten.mm", "aten.addmm"))]
    assert {view.itemsize for one in products for view in touched(one)} == {2}
    normalised = next(one for one in recording.operations if one.operator.startswith("aten.native_layer_norm."))
    assert {view.itemsize for view in touched(normalised)} == {4}  # on CUDA, if not on a CPU
    logs, cast, loss = [one for one in recording.operations if (one.layer, one.phase) == ("loss", "forward")]
    assert [{view.itemsize for view in touched(one) if view.dtype != "int64"} for one in (logs, cast, loss)] == [
        {2}, {2, 4}, {4},
    ]  # fmt: skip
    steps = [one for one in recording.operations if one.phase == "optimizer"]
    assert {view.itemsize for one in steps for view in touched(one)} == {4}


def test_autocast_casts_a_weight_once_a_step():
    forward = [one for one in record(Tied(), torch.zeros(2, 8), dtype="bf16").operations if one.phase == "forward"]
    assert Counter(one.operator.split(".")[1] for one in forward)["_to_copy"] == 2 + 1  # input, weight, scores


def test_int8_is_a_byte_but_for_vectors_of_parameters():
    recording = record(convolutional(), image(), "inference", dtype="int8")
    assert names(recording) == names(record(convolutional(), image(), "inference"))
    held = sizes(recording)
    assert (held["0.weight"], held["7.weight"]) == (8 * 3 * 9, 10 * 32)
    assert (held["0.bias"], held["1.running_mean"]) == (2 * 8, 2 * 8)
    assert held["input0"] == 2 * 3 * 16 * 16
    convolution = recording.operations[0]
    source, weight, bias = convolution.arguments[:3]
    assert [(one.itemsize, one.dtype) for one in (source, weight, bias)] == [
        (1, "int8"), (1, "int8"), (2, "float16"),
    ]  # fmt: skip
    assert convolution.products == "int8"
    assert held["0.convolution"] == convolution.outputs[0].numel


@pytest.mark.parametrize("dtype", ["int8", "int4w", "bf16"])
def test_views_lie_apart_within_their_tensors(dtype):
    module = nn.Sequential(nn.Linear(128, 64), nn.Unflatten(1, (4, 16)), nn.Flatten(2), nn.Linear(16, 8))
    recording = record(module, torch.zeros(4, 128), "inference", dtype=dtype)
    for operation in recording.operations:
        for view in touched(operation):
            tensor = recording.tensors[view.tensor]
            last = sum((length - 1) * stride for length, stride in zip(view.shape, view.stride, strict=True))
            assert tensor.address <= view.address
            assert view.address + (last + 1) * view.itemsize <= tensor.address + tensor.bytes
        used = {view.tensor for view in touched(operation)}
        spans = sorted((recording.tensors[index].address, recording.tensors[index].bytes) for index in used)
        assert all(low + size <= high for (low, size), (high, _) in pairwise(spans))


def test_a_view_of_bytes_begins_at_its_byte():
    class Slice(nn.Module):
        def forward(self, x):
            return x[:, 2:].relu()

    recording = record(Slice(), torch.zeros(3, 8), "inference", dtype="int8")
    (view,) = recording.operations[0].arguments
    assert view.address == recording.tensors[view.tensor].address + 2
    assert view.stride == (8, 1)


def test_int4w_packs_the_weights_of_linear_layers():
    recording = record(perceptron(), torch.zeros(4, 128), "inference", dtype="int4w")
    assert names(recording) == ["_weight_int4pack_mm", "add", "native_layer_norm", "relu", "_weight_int4pack_mm", "add"]
    held = sizes(recording)
    assert (held["0.weight"], held["3.weight"]) == (128 * 64 // 2, 64 * 16 // 2)
    assert held["0.scales"] == 128 // 128 * 64 * 2 * 2
    assert held["3.scales"] == 64 // 64 * 16 * 2 * 2
    assert recording.macs == record(perceptron(), torch.zeros(4, 128), "inference").macs
    assert "2 of 2 linear layers are packed." in recording.notes


def test_int4w_leaves_the_rest_in_bfloat16():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 14 * 14, 16), nn.Linear(16, 10))
    recording = record(module, image(), "inference", dtype="int4w")
    assert names(recording) == ["convolution", "_weight_int4pack_mm", "add", "addmm"]  # 10 is no multiple of 8
    assert {view.itemsize for one in recording.operations[::3] for view in touched(one)} == {2}
    assert "1 of 2 linear layers are packed." in recording.notes


def test_int4w_keeps_leading_dimensions_and_layers_used_twice():
    shared = nn.Linear(64, 64, bias=False)
    module = nn.Sequential(shared, nn.ReLU(), shared)
    recording = record(module, torch.zeros(2, 3, 64), "inference", dtype="int4w")
    assert [one.outputs[0].shape for one in recording.operations] == [(6, 64), (2, 3, 64), (6, 64)]
    assert len({one.arguments[1].tensor for one in recording.operations[::2]}) == 1
    assert "1 of 1 linear layers are packed." in recording.notes


@pytest.mark.parametrize("dtype", ["tf32", "bf16", "int8", "int4w"])
def test_assumptions_are_noted(dtype):
    recording = record(perceptron(), torch.zeros(4, 128), "inference", dtype=dtype)
    assert len(recording.notes) > len(record(perceptron(), torch.zeros(4, 128), "inference").notes)


@pytest.mark.parametrize(
    ("dtype", "phase", "words"),
    [
        ("fp8", "inference", "dtype 'fp8': unknown; known are fp32, tf32"),
        ("int8", "training", "'int8'.*no gradient"),
        ("int4w", "training", "'int4w'.*no gradient"),
        ("int4w", "inference", "no linear layer to pack"),
    ],
)
def test_a_type_that_cannot_be(dtype, phase, words):
    with pytest.raises(InputError, match=words) as caught:
        record(nn.Sequential(nn.Linear(4, 4)), torch.zeros(2, 4), phase, dtype=dtype)
    assert "\n" not in str(caught.value)


class Reducing(nn.Module):
    """What autocast keeps to float32 on CUDA, over a product's result."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        y = self.fc(x)
        return y.softmax(-1), torch.log_softmax(y, -1), y.sum(0), y.exp(), nn.functional.group_norm(y, 2), y.mean(0)


def test_float32_is_kept_as_on_cuda():
    recording = record(Reducing(), torch.zeros(4, 8), dtype="fp16")
    forward = [one for one in recording.operations if (one.layer, one.phase) == ("", "forward")]
    written = {}
    for one in forward:
        written.setdefault(one.operator.split(".")[1], one.outputs[0].dtype)
    assert written == {
        "_softmax": "float32", "_log_softmax": "float32", "sum": "float32", "_to_copy": "float32", "exp": "float32",
        "native_group_norm": "float32", "mean": "float16",
    }  # fmt: skip
    assert [one.arguments[0].dtype for one in forward if "softmax." in one.operator] == ["float16"] * 2
