"""Checkpointed blocks: the same gradients, less memory, a second forward pass within the backward pass."""

import copy

import pytest
import torch
from torch import nn

from tests.traces.modules import Branches
from traces.errors import InputError
from traces.recording import record
from traces.recording.checkpoint import add_checkpoints
from traces.recording.layers import Layers


class Block(nn.Module):
    """A block whose last operator belongs to itself, not to a part of it."""

    def __init__(self):
        super().__init__()
        self.up, self.drop, self.down = nn.Linear(16, 64), nn.Dropout(0.1), nn.Linear(64, 16)

    def forward(self, x):
        return x + self.down(self.drop(self.up(x).relu()))


def blocks():
    return nn.Sequential(nn.Linear(16, 16), nn.Sequential(*(Block() for _ in range(4))), nn.Linear(16, 10))


def chain():
    """Layers that work in place follow layers with weights."""
    parts = [(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(inplace=True)) for _ in range(9)]
    return nn.Sequential(*(layer for pair in parts for layer in pair), nn.MaxPool2d(2), nn.Flatten())


@pytest.mark.parametrize(("make", "shape"), [(blocks, (8, 16)), (chain, (2, 3, 8, 8))])
def test_gradients_are_the_same(make, shape):
    torch.manual_seed(0)
    plain = make().eval()  # without dropout
    twin = copy.deepcopy(plain)
    note = add_checkpoints(twin, Layers(twin))
    assert "again" in note
    x = torch.rand(shape)
    for module in (plain, twin):
        module(x).square().sum().backward()
    for one, other in zip(plain.parameters(), twin.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def names(recording, phase, layer):
    return [one.operator.split(".")[1] for one in recording.operations if (one.phase, one.layer) == (phase, layer)]


def test_a_block_runs_again_in_the_backward_pass_under_its_own_name():
    plain, again = (record(blocks(), torch.zeros(8, 16), checkpoint=checkpoint) for checkpoint in (False, True))
    for layer in ("1.0.up", "1.3.drop", "1.2.down", "1.1", "0"):
        assert names(plain, "forward", layer) == names(again, "forward", layer)
    assert names(plain, "backward", "1.0.up").count("addmm") == 0
    assert names(again, "backward", "1.0.up").count("addmm") == 1
    assert names(again, "backward", "1.3.drop").count("native_dropout") == 1
    assert names(again, "backward", "0").count("addmm") == 0
    assert again.macs == plain.macs
    assert any("4 blocks (Block) are checkpointed" in note for note in again.notes)


def test_what_runs_again_makes_activations():
    recording = record(blocks(), torch.zeros(8, 16), checkpoint=True)
    made = {
        recording.tensors[one.outputs[0].tensor].kind
        for one in recording.operations
        if one.phase == "backward" and one.operator == "aten.addmm.default"
    }
    assert made == {"activation"}


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
@pytest.mark.parametrize(("make", "shape"), [(blocks, (4096, 16)), (chain, (64, 3, 64, 64))])
def test_memory_is_saved(make, shape, dtype):
    plain, again = (record(make(), torch.zeros(shape), checkpoint=one, dtype=dtype) for one in (False, True))
    assert again.peak_bytes < plain.peak_bytes


def test_a_chain_is_cut_at_layers_with_weights():
    recording = record(chain(), torch.zeros(2, 3, 8, 8), checkpoint=True)
    assert any("a row of 20 layers is checkpointed in 3 segments" in note.lower() for note in recording.notes)
    convolutions = [
        one.layer
        for one in recording.operations
        if (one.phase, one.operator) == ("backward", "aten.convolution.default")
    ]
    assert sorted(convolutions) == ["0", "10", "2", "4", "6", "8"]  # of 9 at even places, the last segment's 3 do not


def test_inference_keeps_nothing():
    with pytest.raises(InputError, match="give the phase training"):
        record(blocks(), torch.zeros(8, 16), "inference", checkpoint=True)


def test_a_module_without_blocks_or_rows_is_refused():
    with pytest.raises(InputError, match="Branches: has no blocks"):
        record(Branches(), torch.zeros(2, 16), checkpoint=True)
