"""Virtually pooled networks as graphs, and on the runtimes."""

from pathlib import Path

import pytest
import torch
from torch import nn

from circuits.errors import InputError
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import describe, of_description
from hwmodel.latency.graph.from_torch import from_torch
from hwmodel.latency.graph.writer import Writer
from tests.hwmodel.latency.test_from_torch import compare
from tests.hwmodel.latency.test_runtimes import WRITING, check
from workloads.vip import virtual_pool


def module():
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(3)).eval()


@pytest.mark.parametrize(("size", "fused"), [((8, 8), True), ((7, 8), False)])
def test_a_pooled_network_is_what_torch_computes(size, fused):
    image = torch.randn(2, 3, *size)
    made = module()
    made(image)
    pooled = virtual_pool(made, ["0", "3"], example=image, fused=fused)
    graph = canonical(from_torch(pooled, (image,)))
    assert [node.kind for node in graph.nodes] == ["conv", "resize", "conv", "resize", "reshape", "linear"]
    assert graph.nodes[0].attributes["activation"] == "relu"
    assert graph.nodes[0].attributes["stride"] == (2, 2)
    with torch.no_grad():
        compare(pooled, (image,), graph)
    assert of_description(describe(graph)) == graph


@pytest.mark.parametrize("kind", WRITING)
@pytest.mark.parametrize("size", [(8, 6), (7, 5), (7, 8), (6, 5), (1, 2), (1, 1)])
def test_runtimes_interpolate_alike(kind, size, tmp_path: Path):
    writer = Writer()
    x = writer.input(1, 4, *((length + 1) // 2 for length in size))
    made = writer.layer("resize", (x,), shape=(1, 4, *size), mode="midpoint", align_corners=False)
    check(kind, writer.graph(writer.conv(made, 3)), tmp_path)


def test_sizes_that_do_not_go_together():
    writer = Writer()
    x = writer.input(1, 4, 3, 3)
    with pytest.raises(InputError, match=r"to midpoints of \(1, 4, 3, 3\) to \(1, 4, 7, 6\): give twice as many"):
        writer.layer("resize", (x,), shape=(1, 4, 7, 6), mode="midpoint", align_corners=False)
