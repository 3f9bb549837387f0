"""Blocks of convolutional networks, and the recommendation model, against their equations."""

import pytest
import torch
from torch import nn

from traces.errors import InputError
from workloads.networks.blocks import DropPath, Inverted, SqueezeExcite
from workloads.networks.dlrm import dlrm
from workloads.networks.vit import vit_b_16


@torch.no_grad()
def test_a_gate_scales_each_channel():
    torch.manual_seed(0)
    gate, x = SqueezeExcite(8, 2, nn.ReLU, nn.Sigmoid), torch.rand(2, 8, 5, 5)
    mean = x.mean((2, 3))
    hidden = (mean @ gate.reduce.weight.flatten(1).T + gate.reduce.bias).relu()
    factors = (hidden @ gate.expand.weight.flatten(1).T + gate.expand.bias).sigmoid()
    assert torch.allclose(gate(x), x * factors[:, :, None, None], atol=1e-6)


def test_a_path_is_dropped_whole_and_its_mean_kept():
    torch.manual_seed(0)
    drop, x = DropPath(0.25), torch.ones(4000, 2, 3)
    y = drop(x)
    kept = y[:, 0, 0] > 0
    assert torch.equal(y, x * kept[:, None, None] / 0.75)
    assert kept.float().mean() == pytest.approx(0.75, abs=0.03)  # four standard errors
    assert torch.equal(drop.eval()(x), x)


def test_a_shortcut_needs_one_shape():
    x = torch.rand(1, 8, 4, 4)
    assert Inverted(8, 16, 8, 3, 1, nn.ReLU).shortcut
    assert Inverted(8, 16, 8, 3, 2, nn.ReLU)(x).shape == (1, 8, 2, 2)
    assert Inverted(8, 8, 12, 5, 1, nn.ReLU)(x).shape == (1, 12, 4, 4)


@torch.no_grad()
def test_a_recommendation_is_the_papers_equation():
    torch.manual_seed(0)
    model = dlrm(rows=(9, 5), bottom=(3, 6, 4), top=(7, 1), lookups=2)
    dense, sparse = torch.rand(3, 3), torch.randint(5, (2, 3, 2))
    x = model.bottom(dense)
    a, b = (table.weight[sparse[index]].sum(1) for index, table in enumerate(model.tables))
    pairs = torch.stack([(a * x).sum(1), (b * x).sum(1), (b * a).sum(1)], dim=1)
    expected = model.top(torch.cat([x, pairs], dim=1)).squeeze(1)
    assert torch.allclose(model(dense, sparse), expected, atol=1e-6)


def test_an_image_must_have_whole_patches():
    with torch.device("meta"):
        assert vit_b_16(image=48).example_inputs(1)[0].shape == (1, 3, 48, 48)
        with pytest.raises(InputError, match="multiple of 16"):
            vit_b_16(image=50)
