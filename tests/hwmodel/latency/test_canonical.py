"""Canonical graphs compute what the network does, in the layers that a runtime would run."""

from collections import Counter
from math import sqrt

import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.nn import functional

from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.from_torch import from_torch
from tests.hwmodel.latency.modules import OPERATORS, Of, graph_of, hard_swish, image, networks, warm
from tests.hwmodel.latency.test_from_torch import FACTORIES, compare


def kinds(graph):
    """Name each layer by its kind and the activation that is fused into it."""
    return [f"{node.kind} {node.attributes.get('activation') or ''}".strip() for node in graph.nodes]


def check(module, inputs):
    graph = canonical(from_torch(warm(module), inputs))
    compare(module, inputs, graph)
    assert canonical(graph) == graph
    return graph


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("name", OPERATORS)
@torch.no_grad()
def test_an_operator_is_what_torch_computes(name):
    check(*OPERATORS[name])


@settings(max_examples=15)
@given(networks())
@torch.no_grad()
def test_a_drawn_network_is_what_torch_computes(module):
    graph = check(module, (image(),))
    assert "batch_norm" not in kinds(graph)


@pytest.mark.parametrize("name", ["efficientnet_b0", "googlenet", "mobilenet_v2", "mobilenet_v3_small", "resnet18",
                                  "squeezenet"])  # fmt: skip
@torch.no_grad()
def test_a_network_is_what_torch_computes(name):
    graph = check(FACTORIES[name].load()(), (torch.rand(1, 3, 64, 64),))
    assert not Counter(kinds(graph)).keys() & {"batch_norm", "activation relu", "activation relu6", "avg_pool"}


LAYERS = {
    "alexnet": {"conv relu": 5, "max_pool": 3, "reshape": 1, "linear relu": 2, "linear": 1},
    "mobilenet_v1": {"conv relu": 27, "mean": 1, "linear": 1},
    "mobilenet_v2": {"conv relu6": 35, "conv": 17, "add": 10, "mean": 1, "linear": 1},
    "resnet18": {"conv relu": 9, "conv": 11, "add relu": 8, "max_pool": 1, "mean": 1, "linear": 1},
    "squeezenet": {"conv relu": 26, "concat": 8, "max_pool": 3, "mean": 1},
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_network_without_memory_has_the_layers_of_its_paper(name):
    assert Counter(kinds(canonical(graph_of(name)))) == LAYERS[name]


class Cell(nn.Module):
    """A cell as NAS-Bench-201 has them: operations on edges between nodes, `none` among them."""

    def __init__(self, *edges):
        super().__init__()
        self.edges = edges
        self.convs = nn.ModuleList(
            nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)) for _ in edges
        )

    def edge(self, number, x):
        match self.edges[number]:
            case "none":
                return x.mul(0.0)
            case "skip":
                return x
            case "pool":
                return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return self.convs[number](x)

    def forward(self, x):
        one = self.edge(0, x)
        two = self.edge(1, x) + self.edge(2, one)
        return self.edge(3, x) + self.edge(4, one) + self.edge(5, two)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (("conv", "none", "none", "skip", "none", "none"), []),  # an edge into the void
        (("conv", "none", "none", "none", "skip", "none"), ["activation relu", "conv"]),
        (("none", "conv", "conv", "none", "none", "skip"), ["activation relu", "conv"]),
        (("skip", "none", "pool", "none", "none", "pool"), ["avg_pool", "avg_pool"]),
        (("none",) * 6, ["constant"]),
        (("skip", "none", "skip", "conv", "none", "skip"), ["activation relu", "conv", "add"]),
    ],
)
@torch.no_grad()
def test_dead_branches_are_no_layers(edges, expected):
    graph = check(Cell(*edges), (image(),))
    assert kinds(graph) == expected
    with torch.device("meta"):
        cell = Cell(*edges)
    assert kinds(canonical(from_torch(cell, (image().to("meta"),)))) == expected  # zeros are known without memory too


GELU = Of(lambda x: 0.5 * x * (1 + torch.erf(x / sqrt(2))))
SPELLINGS = {
    "hard swish": (Of(hard_swish), ["activation hardswish"]),
    "hard swish, divided first": (Of(lambda x: x / 6 * (x + 3).clamp(0, 6)), ["activation hardswish"]),
    "hard swish by hard sigmoid": (Of(lambda x: functional.hardsigmoid(x) * x), ["activation hardswish"]),
    "hard sigmoid": (Of(lambda x: functional.relu6(x + 3) * 0.16667), ["activation hardsigmoid"]),
    "silu": (Of(lambda x: x * torch.sigmoid(x)), ["activation silu"]),
    "gelu": (GELU, ["activation gelu"]),
    "gelu, halved last": (Of(lambda x: x * (1 + torch.erf(x * sqrt(0.5))) * 0.5), ["activation gelu"]),
    "no hard swish": (Of(lambda x: x * functional.relu6(x + 2) / 6), ["add relu6", "mul", "mul"]),
    "into a convolution": (nn.Sequential(nn.Conv2d(4, 4, 1), Of(hard_swish)), ["conv hardswish"]),
    "read twice": (Of(lambda x: (y := x + x.relu(), y.relu())), ["activation relu", "add", "activation relu"]),
    "twice": (nn.Sequential(nn.ReLU(), nn.ReLU(), nn.ReLU6(), nn.ReLU6()), ["activation relu", "activation relu6"]),
    "mean of rows": (Of(lambda x: x.mean(3).mean(2)), ["mean"]),
    "mean of kept rows": (Of(lambda x: x.mean(3, keepdim=True).mean(2, keepdim=True).flatten(1)), ["mean"]),
    "sum over pixels": (Of(lambda x: x.sum((2, 3)) / 72), ["mean"]),
    "pooling of all": (nn.Sequential(nn.AvgPool2d((9, 8)), nn.Flatten()), ["mean"]),
    "unsqueezed mean": (Of(lambda x: x.mean((2, 3))[:, :, None, None]), ["mean"]),
    "there and back": (Of(lambda x: x.flatten(1).view(2, 4, 72).unflatten(2, (9, 8))), []),
    "turned back": (Of(lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2)), []),
    "moved ones": (Of(lambda x: x.mean((2, 3), keepdim=True).permute(0, 2, 3, 1)), ["mean", "reshape"]),
    "nothing": (nn.Sequential(nn.Identity(), nn.Dropout(), nn.ZeroPad2d(0), nn.MaxPool2d(1)), []),
    "sums and factors": (Of(lambda x: (x + 0) * 2 * 0.5), []),
    "two norms": (nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4), nn.ReLU()), ["conv relu"]),
    "norm of features": (nn.Sequential(nn.Flatten(), nn.Linear(288, 4), nn.BatchNorm1d(4)), ["reshape", "linear"]),
    "a norm of words stays": (nn.Sequential(nn.Flatten(2), nn.Linear(72, 5), nn.BatchNorm1d(4)),
                              ["reshape", "linear", "batch_norm"]),
    "scale": (nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), Of(lambda x, w: x * w, w=image(4, 1, 1))), ["conv"]),
    "bias": (nn.Sequential(nn.Linear(8, 5, bias=False), Of(lambda x, w: x + w, w=image(5))), ["linear"]),
    "no bias": (nn.Sequential(nn.Linear(8, 5), Of(lambda x, w: x + w, w=image(9, 1))), ["linear", "add"]),
    "pads": (nn.Sequential(nn.ZeroPad2d(1), nn.ZeroPad2d((1, 2, 0, 0)), nn.Conv2d(4, 4, 3)), ["conv"]),
    "pad to pool": (nn.Sequential(nn.ReLU(), nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(3, 2)),
                    ["activation relu", "max_pool"]),
    "pad that wins": (nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(3, 2)), ["pad", "max_pool"]),
    "pad to average": (nn.Sequential(nn.ZeroPad2d(1), nn.AvgPool2d(3, 2, count_include_pad=False)), ["avg_pool"]),
    "pads to average": (nn.Sequential(nn.ZeroPad2d(1), nn.AvgPool2d(3, 2, 1, count_include_pad=False)),
                        ["pad", "avg_pool"]),
    "common": (Of(lambda x: torch.cat([x.relu().tanh(), x.relu().tanh()], 1)),
               ["activation relu", "activation tanh", "concat"]),
    "unread": (Of(lambda x: (x.tanh(), x.relu())[1]), ["activation relu"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
@torch.no_grad()
def test_spellings_become_one(name):
    module, expected = SPELLINGS[name]
    assert kinds(check(module, (image(),))) == expected
