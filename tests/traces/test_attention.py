"""Attention is one operator a direction, as on CUDA, whoever asks for it."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

from traces.macs import operation_macs
from traces.operation import View
from traces.recording import record

HEADS = (2, 4, 16, 8)  # batch, heads, tokens, elements of a head


class Attend(nn.Module):
    """Attention over a projection of the input, with what options one likes."""

    def __init__(self, **options):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.options = options

    def forward(self, q, k, v):
        return scaled_dot_product_attention(q * self.scale, k * self.scale, v * self.scale, **self.options)


def run(phase="inference", dtype="fp32", shapes=(HEADS, HEADS, HEADS), **options):
    recording = record(Attend(**options), tuple(torch.zeros(one) for one in shapes), phase, dtype=dtype)
    return recording, [one for one in recording.operations if "mul" not in one.operator]


@pytest.mark.parametrize(
    ("dtype", "kernel"),
    [("fp32", "efficient"), ("tf32", "efficient"), ("bf16", "flash"), ("fp16", "flash"), ("int8", "flash")],
)
def test_an_inference_attends_in_one_operator(dtype, kernel):
    _, (attention,) = run(dtype=dtype)
    assert attention.operator == f"aten._scaled_dot_product_{kernel}_attention.default"
    assert [view.shape for view in attention.arguments[:3]] == [HEADS] * 3
    assert attention.outputs[0].shape == HEADS


@pytest.mark.parametrize(("dtype", "kernel"), [("fp32", "efficient"), ("bf16", "flash")])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_training_attends_in_one_operator_each_way(dtype, kernel, dropout):
    recording, _ = run("training", dtype, dropout_p=dropout, is_causal=True)
    there, back = (one for one in recording.operations if "attention" in one.operator)
    assert (there.operator, there.phase) == (f"aten._scaled_dot_product_{kernel}_attention.default", "forward")
    assert (back.operator, back.phase) == (f"aten._scaled_dot_product_{kernel}_attention_backward.default", "backward")
    assert [value for value in there.arguments if isinstance(value, float)] == [dropout]
    assert True in there.arguments
    assert there.outputs[1].shape[:2] == HEADS[:2]  # each row's log of the sum of exponentials, for the way back
    assert back.arguments[4 if kernel == "flash" else 5] == there.outputs[0]
    assert [view.shape for view in back.outputs[:3]] == [HEADS] * 3
    assert 2 * operation_macs(back) == 5 * operation_macs(there)


def test_a_boolean_mask_becomes_a_bias():
    _, operations = run(attn_mask=torch.ones(16, 16, dtype=torch.bool))
    *made, attention = operations
    assert [one.operator.split(".")[1] for one in made] == ["scalar_tensor", "scalar_tensor", "where"]
    assert "efficient" in attention.operator
    assert (attention.arguments[3].shape, attention.arguments[3].stride) == ((2, 4, 16, 16), (0, 0, 16, 1))


def test_a_mask_whose_rows_are_not_aligned_is_copied_to_rows_that_are():
    _, (copy, attention) = run(shapes=[(2, 4, 10, 8)] * 3, attn_mask=torch.zeros(2, 1, 10, 10))
    assert (copy.operator, copy.arguments[1]) == ("aten.constant_pad_nd.default", [0, 6])
    assert (attention.arguments[3].shape, attention.arguments[3].stride) == ((2, 4, 10, 10), (160, 0, 16, 1))


def test_a_mask_keeps_half_precision_from_flash_attention():
    _, operations = run(dtype="bf16", attn_mask=torch.zeros(16, 16))
    assert "efficient" in operations[-1].operator


def test_what_no_kernel_takes_is_composed_of_products():
    _, operations = run(shapes=[HEADS[1:]] * 3)
    products = [one.operator for one in operations if operation_macs(one)]
    assert products == ["aten.bmm.default"] * 2


def test_queries_may_share_keys_in_half_precision():
    shared = (2, 2, 16, 8)
    _, (attention,) = run(dtype="bf16", shapes=(HEADS, shared, shared), enable_gqa=True)
    assert [view.shape for view in attention.arguments[:3]] == [HEADS, shared, shared]
    _, operations = run(shapes=(HEADS, shared, shared), enable_gqa=True)
    assert sum(operation_macs(one) for one in operations) == operation_macs(attention)


@pytest.mark.parametrize("phase", ["inference", "training"])
def test_torchs_own_module_attends_so_too(phase):
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    recording = record(layer, torch.zeros(2, 16, 32), phase)
    attention = [one for one in recording.operations if "attention" in one.operator]
    assert len(attention) == (1 if phase == "inference" else 2)
    assert attention[0].layer == "self_attn"
    assert not any("bmm" in one.operator or "bernoulli" in one.operator for one in recording.operations)


@pytest.mark.parametrize("keys", [16, 40])
def test_macs_are_those_torch_counts(keys):
    shapes = (HEADS, (2, 4, keys, 8), (2, 4, keys, 8))
    recording, _ = run(shapes=shapes)
    with FlopCounterMode(display=False) as counter:
        scaled_dot_product_attention(*(torch.zeros(one, device="meta") for one in shapes))
    assert recording.macs == counter.get_total_flops() // 2 == 2 * 2 * 4 * 16 * keys * 8


def test_a_cache_is_read_in_place_and_written_where_it_ends():
    class Step(nn.Module):
        def forward(self, q, keys, values):
            keys[:, :, 15:] = q
            return scaled_dot_product_attention(q, keys, values)

    inputs = (torch.zeros(2, 4, 1, 8), torch.zeros(HEADS), torch.zeros(HEADS))
    recording = record(Step(), inputs, "inference")
    write, read = recording.operations
    assert write.operator == "aten.copy_.default"
    target = write.arguments[0]
    assert isinstance(target, View)
    assert recording.tensors[target.tensor].name == "input1"
    assert target.address == recording.tensors[target.tensor].address + 15 * 8 * 4
    assert read.arguments[1].tensor == target.tensor
