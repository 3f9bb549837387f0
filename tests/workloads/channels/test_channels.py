"""Units found in a run, networks with fewer channels, and calls at any width."""

import copy
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import max_pool2d, relu

from circuits.errors import InputError
from traces.networks import make_network
from workloads.channels import Channels, Slim, find_channels
from workloads.networks.counting import count_macs, count_parameters


class Tangle(nn.Module):
    """Every way in which channels hang together: a shortcut, a concatenation, a gate, depthwise, a flattening."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.deep = nn.Conv2d(6, 12, 3, padding=1, groups=6)
        self.down = nn.Conv2d(12, 6, 1, bias=False)
        self.left, self.right = nn.Conv2d(6, 4, 1), nn.Conv2d(6, 5, 3, padding=1)
        self.squeeze, self.expand = nn.Linear(9, 3), nn.Linear(3, 9)
        self.scale = nn.Parameter(torch.rand(9, 1, 1) + 0.5)
        self.hidden = nn.Linear(9 * 4 * 4, 7)
        self.out = nn.Linear(7, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = relu(self.norm(self.stem(x)))
        x = x + self.down(relu(self.deep(x)))
        x = torch.cat([self.left(x), self.right(x)], 1)
        gate = torch.sigmoid(self.expand(relu(self.squeeze(x.mean((2, 3))))))
        x = x * gate.unsqueeze(-1).unsqueeze(-1)
        x = max_pool2d(x * self.scale, 2)
        return self.out(relu(self.hidden(x.flatten(1))))


def tangle() -> tuple[Tangle, tuple[torch.Tensor]]:
    torch.manual_seed(0)
    module = Tangle().eval()
    module.norm.get_buffer("running_mean").uniform_(-1, 1)
    module.norm.get_buffer("running_var").uniform_(0.5, 2)
    return module, (torch.randn(2, 3, 8, 8),)


@cache
def of_tangle() -> Channels:
    return find_channels(*tangle())


def test_what_hangs_together_is_one_unit() -> None:
    channels = of_tangle()
    assert {name: unit.size for name, unit in channels.units.items()} == {
        "stem": 6, "left": 4, "right": 5, "squeeze": 3, "hidden": 7
    }  # fmt: skip
    assert channels.units["stem"].layers == ("stem", "down")
    assert channels.fixed == {"out": "the network's output"}


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_fewer_channels_compute_what_the_whole_network_does_without_the_others(data: st.DataObject) -> None:
    module, inputs = tangle()
    channels = of_tangle()
    widths = {
        name: np.array(sorted(data.draw(st.sets(st.integers(0, unit.size - 1), min_size=1))))
        for name, unit in channels.units.items()
    }
    small = channels.resized(module, widths)
    # In the whole network, a channel that is left out counts for nothing where each reader's weight of it is nought.
    whole = copy.deepcopy(module)
    gone = {name: [i for i in range(channels.units[name].size) if i not in kept] for name, kept in widths.items()}
    with torch.no_grad():
        for unit in gone["stem"]:
            whole.deep.weight[2 * unit : 2 * unit + 2] = 0
            whole.deep.bias[2 * unit : 2 * unit + 2] = 0  # type: ignore[index]
            whole.left.weight[:, unit] = whole.right.weight[:, unit] = 0
        joined = [*gone["left"], *(4 + one for one in gone["right"])]
        whole.squeeze.weight[:, joined] = 0
        whole.expand.weight[:, gone["squeeze"]] = 0
        whole.hidden.weight.view(7, 9, 16)[:, joined] = 0
        whole.out.weight[:, gone["hidden"]] = 0
        torch.testing.assert_close(small(*inputs), whole(*inputs))
    small.example_inputs = lambda batch: (torch.zeros(batch, 3, 8, 8),)  # type: ignore[assignment]
    assert channels.macs(widths) == count_macs(small)
    assert channels.parameters(module, widths) == count_parameters(small)


@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet", "vit_b_16"])
def test_macs_and_parameters_are_those_of_the_network_at_that_width(name: str) -> None:
    module, inputs = make_network(name, 1)
    channels = find_channels(module, inputs)
    assert channels.macs() == count_macs(module)
    widths = channels.widths(0.3)
    small = channels.resized(module, widths)
    assert channels.macs(widths) == count_macs(small) < channels.macs()
    assert channels.parameters(module, widths) == count_parameters(small)
    wide = channels.resized(module, channels.widths(1.5))
    assert channels.macs(channels.widths(1.5)) == count_macs(wide) > channels.macs()


def test_a_slim_call_is_the_extracted_network_and_its_gradients_reach_the_shared_weights() -> None:
    module, inputs = tangle()
    slim = Slim(module, of_tangle())
    widths = {"stem": 3, "left": 2, "right": 4, "hidden": 5}
    torch.testing.assert_close(slim.at(widths)(*inputs), slim.extract(widths)(*inputs))
    torch.testing.assert_close(slim.at({})(*inputs), module(*inputs))
    slim.at(widths)(*inputs).sum().backward()
    assert module.stem.weight.grad is not None
    assert module.stem.weight.grad[:3].abs().sum() > 0
    assert not module.stem.weight.grad[3:].any()


def test_a_slim_call_in_training_moves_the_statistics_of_the_channels_it_has() -> None:
    module, inputs = tangle()
    slim = Slim(module.train(), of_tangle())
    before = module.norm.running_mean.clone()  # type: ignore[union-attr]
    slim.at({"stem": 2})(*inputs)
    assert (module.norm.running_mean != before).tolist() == [True, True, False, False, False, False]
    assert module.training


@pytest.mark.parametrize(
    ("widths", "told"),
    [
        ({"stem": 0}, "stem: 0 of 6"),
        ({"stem": 7}, "stem: 7 of 6"),
        ({"stem": True}, "stem: True"),
        ({"out": 2}, "'out' cannot shrink: the network's output"),
        ({"none": 2}, "'none' is no unit"),
        ({"stem": np.array([1, 1])}, "channels must rise"),
        ({"stem": np.array([], dtype=int)}, "channels must rise"),
    ],
)
def test_widths_that_cannot_be_had_are_refused(widths: dict[str, int], told: str) -> None:
    module, _ = tangle()
    with pytest.raises(InputError, match=told):
        of_tangle().resized(module, widths)


def test_a_network_without_channels_says_so() -> None:
    with pytest.raises(InputError, match="no layer's channels can be fewer: it has no convolution"):
        find_channels(nn.Sequential(nn.ReLU(), nn.Flatten()), (torch.zeros(1, 2, 4),))
    grouped = nn.Sequential(nn.Conv2d(4, 8, 1), nn.Conv2d(8, 8, 3, groups=2), nn.Flatten(), nn.Linear(8, 2))
    with pytest.raises(InputError, match="a convolution in 2 groups"):
        find_channels(grouped, (torch.zeros(1, 4, 3, 3),))


def test_a_shuffle_of_channels_keeps_its_width() -> None:
    class Shuffled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 6, 1)
            self.third, self.out = nn.Conv2d(6, 5, 1), nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.first(x)
            y = y.view(len(x), 2, 4, *y.shape[2:]).transpose(1, 2).reshape(y.shape)
            return self.out(self.third(self.second(y)).mean((2, 3)))

    channels = find_channels(Shuffled(), (torch.zeros(2, 3, 4, 4),))
    assert list(channels.units) == ["second", "third"]
    assert "reshaped" in channels.fixed["first"]
