"""Multiply-accumulates against closed forms."""

import pytest
import torch
from torch import nn

from traces.macs import operation_macs
from traces.recording import record


class Products(nn.Module):
    def forward(self, a, b):
        return torch.bmm(a, b)


@pytest.mark.parametrize(
    ("module", "inputs", "macs"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), torch.zeros(2, 3, 16, 16), 2 * 16 * 16 * 8 * 3 * 9),
        (nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4), torch.zeros(1, 8, 16, 16), 8 * 8 * 8 * 2 * 9),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), torch.zeros(1, 4, 8, 8), 8 * 8 * 4 * 6 * 4),
        (nn.Linear(32, 10), torch.zeros(5, 32), 5 * 32 * 10),
        (nn.Linear(32, 10, bias=False), torch.zeros(5, 32), 5 * 32 * 10),
        (Products(), (torch.zeros(3, 4, 5), torch.zeros(3, 5, 6)), 3 * 4 * 5 * 6),
        (nn.ReLU(), torch.zeros(5, 32), 0),
    ],
)
def test_forward(module, inputs, macs):
    assert record(module, inputs, "inference").macs == macs


@pytest.mark.parametrize("module", [nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(3, 8, 3), nn.Conv2d(3, 9, 3, groups=3)])
@pytest.mark.parametrize("needs", [True, False])
def test_a_convolution_goes_back_once_for_each_gradient(module, needs):
    recording = record(module, torch.zeros(2, 3, 9, 9, requires_grad=needs))
    backward = sum(operation_macs(one) for one in recording.operations if one.phase == "backward")
    assert backward == recording.macs * (2 if needs else 1)


def test_the_forward_count_leaves_the_backward_pass_out():
    module, inputs = nn.Linear(8, 4), torch.zeros(2, 8)
    assert record(module, inputs, "training").macs == record(module, inputs, "inference").macs
