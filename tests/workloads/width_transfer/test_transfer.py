"""From a cheap search to a large network: budgets, stacked blocks, projections, costs."""

import numpy as np
import pytest
import torch
from torch import nn

from circuits.errors import InputError
from workloads.width_transfer.agreement import agree, correlations
from workloads.width_transfer.extrapolate import match, stack
from workloads.width_transfer.fresh import fresh
from workloads.width_transfer.overhead import Size, schedules, search_macs
from workloads.width_transfer.project import Strength, channels_of, make_task, project

NETWORK = "workloads.networks.small:resnet_cifar"


@pytest.mark.parametrize("share", [0.2, 0.55, 1.0, 1.7, 3.1])
def test_matching_meets_the_budget_and_keeps_the_proportions(channels, share):
    shares = {name: 0.3 + 0.1 * place for place, name in enumerate(channels.units)}
    budget = share * channels.macs()
    found = match(channels, shares, budget)
    assert found.macs == channels.macs(found.widths) <= budget
    for name, width in found.widths.items():
        wanted = found.scale * shares[name] * channels.units[name].size
        assert -0.5 <= width - wanted <= 1.5 or (name in found.clipped and width == 1)
        more = channels.macs(found.widths | {name: width + 1})
        assert more > budget or width > wanted + 0.5 - 1e-9  # as many as there can be, in proportion


def test_matching_says_what_it_clipped(channels):
    shares = dict.fromkeys(channels.units, 1.0) | {"conv1": 0.01}
    found = match(channels, shares, 0.5 * channels.macs())
    assert found.clipped == ("conv1",)
    assert found.widths["conv1"] == 1
    whole = match(channels, {}, 100 * channels.macs(), most=1.0)
    assert whole.widths == channels.widths()
    assert set(whole.clipped) == set(channels.units)
    for shares, budget, why in (({}, 10, "give more"), ({"conv1": 0.0}, 1e6, "above 0"), ({"no": 1.0}, 1e6, "no unit")):
        with pytest.raises(InputError, match=why):
            match(channels, shares, budget)


def test_new_blocks_copy_the_last_one_or_the_mean():
    shares = {"conv1": 0.9, "layer1.0.conv1": 0.2, "layer1.1.conv1": 0.6, "layer2.0.conv1": 0.5, "layer2.0.down": 0.7}
    deep = ["conv1", *(f"layer1.{block}.conv1" for block in range(4)), *(f"layer2.{block}.conv1" for block in range(2)),
            "layer2.0.down"]  # fmt: skip
    last, average = stack(shares, deep), stack(shares, deep, "average")
    assert [last[name] for name in deep] == [0.9, 0.2, 0.6, 0.6, 0.6, 0.5, 0.5, 0.7]
    assert [average[name] for name in deep] == pytest.approx([0.9, 0.2, 0.6, 0.4, 0.4, 0.5, 0.5, 0.7])
    assert stack({"block3_1.expand": 0.3}, ["block3_2.expand"]) == {"block3_2.expand": 0.3}
    with pytest.raises(InputError, match=r"layer3\.0\.conv1"):
        stack(shares, ["layer3.0.conv1"])


def test_projections_are_cheaper_and_say_where_they_cannot_be(images):
    task = make_task(NETWORK, {"depth_per_stage": 2, "width": 4}, images)
    strength = Strength(width=0.5, depth=1, resolution=0.5, data=0.25)
    whole = task.channels.macs()
    shallow = project(task, ("depth",), strength, 0)
    assert dict(shallow.source.arguments)["depth_per_stage"] == 1
    assert set(shallow.channels.units) < set(task.channels.units)
    small = project(task, ("resolution", "data"), strength, 0)
    assert small.images.shape == (1, 4, 4)
    assert small.images.classes == images.classes
    assert len(small.images.train.labels) == pytest.approx(len(images.train.labels) / 4, abs=5)
    assert small.channels.macs() == pytest.approx(whole / 4, rel=0.02)
    narrow = project(task, ("width",), strength, 0)
    assert narrow.channels.widths() == task.channels.widths(0.5)
    assert narrow.source.make()(images.train.images[:2]).shape == (2, images.classes)
    with pytest.raises(InputError, match="no argument depths"):
        project(make_task("workloads.networks.small:vgg_small", {}, images), ("depth",), strength, 0)
    with pytest.raises(InputError, match="give fewer"):
        project(task, ("depth",), Strength(depth=2), 0)
    with pytest.raises(InputError, match="has no argument 'widths'"):
        channels_of(make_task(NETWORK, {"widths": 3}, images).source)


def test_a_fresh_network_may_be_wider_and_follows_its_seed(module, channels):
    widths = channels.widths(1.5) | {"layer2.0.conv1": 3}
    one, same, other = (fresh(module, channels, widths, seed) for seed in (1, 1, 2))
    assert sum(value.numel() for value in one.parameters()) == channels.parameters(module, widths)
    assert torch.equal(one.get_parameter("conv1.weight"), same.get_parameter("conv1.weight"))
    assert not torch.equal(one.get_parameter("conv1.weight"), other.get_parameter("conv1.weight"))
    assert torch.equal(one.get_buffer("bn1.running_var"), torch.ones(6))
    strange = nn.Sequential(module)
    strange.register_parameter("own", nn.Parameter(torch.ones(3)))
    with pytest.raises(InputError, match="no reset_parameters"):
        fresh(strange, channels, {}, 0)


def test_ranks_agree_over_pairs_of_seeds_only():
    draw = np.random.default_rng(1)
    profile = np.arange(8.0)
    direct, proxy = (profile + draw.normal(0, 0.5, (6, 8)) for _ in range(2))
    found = agree(proxy, direct)
    by_hand = [np.corrcoef(np.argsort(np.argsort(proxy[i])), np.argsort(np.argsort(direct[j])))[0, 1]
               for i in range(6) for j in range(6) if i != j]  # fmt: skip
    assert found.mean[0] == pytest.approx(np.mean(by_hand))
    assert found.mean[1] <= found.mean[0] <= found.mean[2]
    assert agree(direct, direct).share == pytest.approx((1.0, 1.0, 1.0))
    assert found.each.mean() == pytest.approx(found.mean[0])
    assert not correlations(np.ones((2, 4)), direct[:2, :4]).any()  # what does not vary ranks nothing


def test_a_search_costs_by_its_images_channels_and_epochs(channels):
    whole, less = Size(channels, 1.0, 1000), Size(channels, 0.5, 100)
    assert search_macs("morphnet", whole, 7) == 3 * 1000 * 7 * channels.macs()
    assert search_macs("morphnet", less, 7) == 3 * 100 * 7 * channels.macs(channels.widths(0.5))
    sandwich = whole.sandwich() / channels.macs()
    assert 1 < sandwich < 3
    plan = schedules()["optimisers"]["dmcp"]
    epochs = (plan["first_epochs"] + plan["second_epochs"]) * sandwich + plan["second_epochs"]
    assert search_macs("dmcp", whole, 7) == pytest.approx(3 * 1000 * epochs * channels.macs())
    assert search_macs("autoslim", less, 7) < search_macs("autoslim", whole, 7) / 3  # validation images are as many
