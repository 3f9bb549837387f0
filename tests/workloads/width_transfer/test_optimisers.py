"""The optimisers' equations against slow twins, laws and autograd; and each on a real network."""

import numpy as np
import pytest
import torch
from torch import nn

from circuits.errors import InputError
from tests.naive import width_transfer as naive
from workloads.channels import find_channels
from workloads.networks.small import mobile_small
from workloads.training import Schedule
from workloads.width_transfer import autoslim, cost, dmcp, morphnet
from workloads.width_transfer.scales import Scales

SCHEDULE = Schedule(epochs=1, batch=32, lr=0.05)


@pytest.fixture(scope="module")
def mobile():
    module = mobile_small(0.5, (1, 1, 1, 2), 10, (1, 8, 8))
    return module, find_channels(module, module.example_inputs(2))


def test_the_penalty_is_its_twins_and_so_is_its_gradient(module, channels, mobile):
    for net, found in ((module, channels), mobile):
        scales = Scales(net, found)
        draw = torch.Generator().manual_seed(3)
        sizes = {number: torch.rand(found.sizes[number], generator=draw, requires_grad=True) for number in scales.units}
        alive = {number: 1 + number % found.sizes[number] for number in scales.units}
        value = cost.penalty(found, sizes, alive)
        plain = {number: one.tolist() for number, one in sizes.items()}
        assert float(value.detach()) == pytest.approx(naive.penalty(found.layers, plain, alive, found.sizes), rel=1e-5)
        value.backward()
        for number, one in sizes.items():
            more = {**plain, number: [plain[number][0] + 1.0, *plain[number][1:]]}
            slope = naive.penalty(found.layers, more, alive, found.sizes) - float(value.detach())
            assert one.grad is not None
            assert float(one.grad[0]) == pytest.approx(slope, rel=1e-3)


def test_a_channels_price_is_what_the_network_saves_without_it(module, channels):
    widths, numbers = channels.widths(), channels.numbers
    ones = {number: torch.ones(channels.sizes[number], requires_grad=True) for number in numbers.values()}
    cost.penalty(channels, ones, {number: channels.sizes[number] for number in numbers.values()}).backward()
    for name, number in numbers.items():
        saved = 2 * (channels.macs() - channels.macs(widths | {name: widths[name] - 1}))
        assert float(ones[number].grad[0]) == pytest.approx(saved)


def test_macs_of_whole_numbers_are_those_of_channels(channels, mobile):
    for found in (channels, mobile[1]):
        widths = found.widths(0.5)
        counts = {found.numbers[name]: width for name, width in widths.items()}
        assert cost.macs(found, counts) == found.macs(widths)


def test_masked_channels_are_as_if_they_were_not_there(module, channels, mobile):
    for net, found in ((module, channels), mobile):
        net.eval()
        half = found.widths(0.5)
        masks = {found.numbers[name]: (torch.arange(unit.size) < half[name]).float()
                 for name, unit in found.units.items()}  # fmt: skip
        x = torch.randn(2, *((1, 8, 8)))
        torch.testing.assert_close(
            Scales(net, found).scaled(masks)(x), found.resized(net, half)(x), atol=1e-5, rtol=1e-4
        )


def test_a_shortcuts_channel_is_alive_while_one_of_its_layers_has_it(module, channels):
    scales = Scales(module, channels)
    step = morphnet.Shrink(scales, 5, strength=1.0, threshold=0.01)
    assert float(step.weight * step.penalty().detach()) == pytest.approx(1.0)  # all scales are 1 as yet
    number = channels.numbers["conv1"]
    own = dict(module.named_parameters())
    with torch.no_grad():
        own["bn1.weight"][:3] = 0.001
        own["layer1.0.bn2.weight"][1:] = 0.001
        own["layer1.0.bn1.weight"][:] = 0.001
    step.drop()
    assert step.masks[number].tolist() == [1, 0, 0, 1]  # one layer has the first, the other the last
    assert step.alive()[channels.numbers["layer1.0.conv1"]] == 1  # something of each unit stays
    with torch.no_grad():
        own["bn1.weight"][1] = 1.0
    step.drop()
    assert step.masks[number].tolist() == [1, 0, 0, 1]  # what is dropped stays so


def test_a_chain_keeps_what_all_its_ways_come_to(channels):
    number = channels.numbers["layer3.0.conv1"]
    chains = dmcp.Chains(channels, {number: "layer3.0.conv1"}, 6)
    with torch.no_grad():
        chains.alphas[number].copy_(torch.tensor([2.0, -0.5, 0.3, 1.0, -2.0]))
    odds = chains.alphas[number].detach().sigmoid().tolist()
    expected = naive.expected_channels(chains.edges[number], odds)
    assert float(chains.expected()[number].detach()) == pytest.approx(expected, rel=1e-5)
    assert float(chains.shares()[number].detach().sum()) == pytest.approx(expected, rel=1e-5)
    chance = torch.Generator().manual_seed(0)
    drawn = [chains.drawn(chance)["layer3.0.conv1"] for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(expected, rel=0.03)


def test_the_chains_cost_pulls_towards_the_budget():
    for macs, sign in ((200.0, 1), (97.0, 0), (50.0, -1)):
        given = torch.tensor(macs, requires_grad=True)
        loss = dmcp.cost_loss(given, 100.0)
        slope = torch.autograd.grad(loss, given)[0] if loss.requires_grad else torch.zeros(())
        assert int(slope.sign()) == sign


def test_greedy_is_as_good_as_trying_all_where_losses_add_up():
    bins = {"a": [1, 2, 3, 4], "b": [1, 2, 3], "c": [1, 2, 3, 4]}
    weight = {"a": 1.0, "b": 4.0, "c": 2.5}

    def loss(widths):
        return sum(weight[name] / width for name, width in widths.items())  # less and less is gained: convex

    def total(widths):
        return sum(widths.values())

    for target in range(3, 11):
        path = autoslim.greedy(bins, loss, total, target)
        assert total(path[-1]) == target
        assert loss(path[-1]) == pytest.approx(naive.best(bins, loss, total, target))
    assert autoslim.greedy(bins, loss, total, 0)[-1] == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize("optimiser", [morphnet, dmcp, autoslim])
def test_each_meets_its_budget_and_says_what_it_cost(optimiser, make, images, channels):
    target = 0.7 * channels.macs()
    found = optimiser.optimise(make, images, SCHEDULE, target, 1, channels=channels)
    again = optimiser.optimise(make, images, SCHEDULE, target, 1, channels=channels)
    assert found == again
    assert 0.9 * target < channels.macs(found.widths) <= target
    training = 3 * channels.macs() * SCHEDULE.iterations(len(images.train.labels)) * SCHEDULE.batch
    assert found.macs == training if optimiser is morphnet else found.macs > training


class Plain(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))


def test_without_batch_normalisation_a_line_says_so(images):
    found = find_channels(Plain(), (images.train.images[:2],))
    for optimiser in (morphnet, dmcp):
        with pytest.raises(InputError, match=r"Plain: no channels .* batch normalisation.*take autoslim"):
            optimiser.optimise(Plain, images, SCHEDULE, 500, 0, channels=found)
    assert autoslim.optimise(Plain, images, SCHEDULE, 800, 0, channels=found).widths["0"] < 4


def test_networks_that_do_not_fit_the_images(images, channels, make):
    with pytest.raises(InputError, match=r"must give \(2, 10\) scores"):
        morphnet.optimise(lambda: nn.Sequential(Plain(), nn.Linear(10, 7)), images, SCHEDULE, 500, 0)
    with pytest.raises(InputError, match="takes no images of"):
        morphnet.optimise(lambda: nn.Conv2d(3, 4, 3), images, SCHEDULE, 500, 0)
    with pytest.raises(InputError, match="give fewer"):
        morphnet.optimise(make, images, SCHEDULE, channels.macs(), 0, channels=channels)
