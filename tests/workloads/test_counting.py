"""Counts of small modules against closed forms, and that counting leaves a module as it was."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from workloads.networks.counting import count_layers, count_macs, count_parameters

size = st.integers(1, 6)


def with_input(module, *shape):
    module.example_inputs = lambda batch: (torch.zeros(batch, *shape),)
    return module


@settings(deadline=None)
@given(inputs=size, outputs=size, kernel=st.integers(1, 5), stride=st.integers(1, 3), pad=st.integers(0, 2),
       groups=st.integers(1, 3), side=st.integers(5, 12), batch=st.integers(1, 4))  # fmt: skip
def test_a_convolution(inputs, outputs, kernel, stride, pad, groups, side, batch):
    layer = nn.Conv2d(inputs * groups, outputs * groups, kernel, stride, pad, groups=groups)
    across = (side + 2 * pad - kernel) // stride + 1
    expected = batch * outputs * groups * across**2 * inputs * kernel**2
    assert count_macs(with_input(layer, inputs * groups, side, side), batch) == expected
    assert count_parameters(layer) == outputs * groups * (inputs * kernel**2 + 1)


@settings(deadline=None)
@given(inputs=size, outputs=size, batch=size, rows=size, bias=st.booleans())
def test_a_linear_layer(inputs, outputs, batch, rows, bias):
    layer = nn.Linear(inputs, outputs, bias=bias)
    assert count_macs(with_input(layer, inputs), batch) == batch * inputs * outputs
    assert count_macs(with_input(layer, rows, inputs), batch) == batch * rows * inputs * outputs
    assert count_parameters(layer) == outputs * (inputs + bias)


def test_normalisation_pooling_and_activations_count_nothing():
    module = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout())
    assert count_macs(with_input(module, 3, 8, 8)) == 0


def test_a_parameter_used_twice_counts_once_and_its_work_twice():
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    second.weight = first.weight
    module = nn.Sequential(first, second)
    assert count_parameters(module) == 16
    assert count_macs(with_input(module, 4)) == 2 * 16
    assert count_layers(module) == {"conv": 0, "fc": 2}


def test_counting_leaves_the_module_as_it_was():
    module = with_input(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), 3, 8, 8)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert count_macs(module, 2) == 2 * 4 * 6 * 6 * 27
    after = module.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert module.training


def test_a_tensor_made_inside_forward_is_on_the_same_device():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(x + torch.ones(4))

    assert count_macs(with_input(Shifted(), 4)) == 8
