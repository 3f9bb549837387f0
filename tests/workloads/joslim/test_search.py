import numpy as np
import pytest
from torch import nn

from circuits.errors import InputError
from workloads.channels import find_channels
from workloads.joslim.cost import make_cost
from workloads.joslim.gaussian import Gaussian
from workloads.joslim.searchers import Chance, Evolution, Seen
from workloads.joslim.space import WidthSpace
from workloads.joslim.surrogate import Surrogate
from workloads.networks.small import vgg_small

LEAST, MOST = np.array([1, 2, 4]), np.array([4, 8, 16])
SPACE = WidthSpace(("a", "b", "c"), LEAST, MOST)


class Products:
    """A cost as that of layers in a row: sums of products of neighbours."""

    def __init__(self, quick: bool = True, most: np.ndarray = MOST) -> None:
        self.quick, self.most = quick, most

    def share(self, row: np.ndarray) -> float:
        return float((row[:-1] * row[1:]).sum() / (self.most[:-1] * self.most[1:]).sum())


def seen_of(rows: np.ndarray) -> Seen:
    """Widths of which only the last unit's matters to the loss."""
    return Seen(rows, 1 / rows[:, 2] + 0.01 * rows[:, 0], np.array([Products().share(row) for row in rows]))


def searchers():
    cost = Products()
    return [Chance(SPACE, True), Chance(SPACE, False), Evolution(SPACE), Gaussian(SPACE, cost),  # pyright: ignore
            Gaussian(SPACE, cost, "pessimistic"), Gaussian(SPACE, Products(False))]  # fmt: skip


@pytest.mark.parametrize("place", range(6))
def test_every_searcher_keeps_within_bounds_and_follows_from_its_draw(place):
    seen = seen_of(SPACE.alike(np.linspace(0, 1, 4)))
    first, again = (
        np.stack([one.row for one in searchers()[place].propose(seen, 5, np.random.default_rng(3))]) for _ in range(2)
    )
    assert first.shape == (5, 3)
    assert np.issubdtype(first.dtype, np.integer)
    assert (first >= LEAST).all()
    assert (first <= MOST).all()
    assert (first == again).all()


def test_gaussian_finds_the_widths_that_matter_at_the_aimed_costs():
    """Of three units only the last matters to the loss, so it is the widest wherever the cost is less than all."""
    most = np.array([32, 32, 32])
    space, cost = WidthSpace(("a", "b", "c"), np.array([2, 2, 2]), most), Products(most=most)
    draw, searcher = np.random.default_rng(0), Gaussian(space, cost)  # pyright: ignore
    rows = np.unique(np.concatenate([space.alike(np.linspace(0, 1, 4)), draw.integers(2, 33, (16, 3))]), axis=0)
    seen = Seen(rows, 1 - rows[:, 2] / 64, np.array([cost.share(row) for row in rows]))
    found = [one for _ in range(4) for one in searcher.propose(seen, 3, draw)]
    assert np.median([abs(one.found - one.target) for one in found]) < 0.03  # a channel is 0.016 of the cost
    for one in found:
        assert one.found == cost.share(one.row)
        assert one.row[2] >= one.row[:2].max()


def test_the_optimistic_bound_seeks_what_the_pessimistic_shuns():
    rows = np.concatenate([SPACE.snap(np.random.default_rng(1).random((10, 3)) * [1, 1, 0.4]), [LEAST, MOST]])
    rows = np.unique(rows, axis=0)
    surrogate = Surrogate("loss", 3)
    surrogate.condition(SPACE.unit(rows), np.random.default_rng(2).normal(size=len(rows)))
    doubt = {}
    for bound in ("optimistic", "pessimistic"):
        searcher = Gaussian(SPACE, Products(), bound, beta=9.0)  # pyright: ignore
        seen = Seen(rows, np.random.default_rng(2).normal(size=len(rows)), seen_of(rows).costs)
        found = searcher.propose(seen, 8, np.random.default_rng(4))
        doubt[bound] = surrogate.at(SPACE.unit(np.stack([one.row for one in found])))[1].mean()
    assert doubt["optimistic"] > 1.2 * doubt["pessimistic"]


@pytest.mark.parametrize("kind", ["loss", "cost"])
def test_a_surrogate_learns_a_sum_and_goes_on_from_its_state(kind):
    draw = np.random.default_rng(0)
    points, asked = draw.random((40, 3)), draw.random((200, 3))
    law = lambda x: 5 + 2 * x[:, 0] ** 2 - x[:, 1]  # noqa: E731
    one = Surrogate(kind, 3)
    one.condition(points[:30], law(points[:30]))
    other = Surrogate(kind, 3)
    other.load_state_dict(one.state_dict())
    for surrogate in (one, other):
        surrogate.condition(points, law(points))
    mean, deviation = one.at(asked)
    assert np.abs(mean * one.deviation + one.mean - law(asked)).max() < 0.3
    assert (deviation > 0).all()
    assert (other.at(asked)[0] == mean).all()


def test_a_surrogate_bears_values_that_do_not_vary():
    surrogate = Surrogate("loss", 2)
    surrogate.condition(np.eye(2), np.ones(2))
    assert np.isfinite(surrogate.at(np.zeros((1, 2)))).all()


def test_widths_are_snapped_into_the_space():
    assert SPACE.snap(np.array([[-1.0, 0.5, 2.0]])).tolist() == [[1, 5, 16]]
    assert SPACE.alike(np.array([0.0, 1.0])).tolist() == [LEAST.tolist(), MOST.tolist()]
    assert SPACE.unit(SPACE.alike(np.array([0.0, 1.0]))).tolist() == [[0] * 3, [1] * 3]
    assert SPACE.widths(MOST) == {"a": 4, "b": 8, "c": 16}


def test_a_network_without_a_channel_to_spare_is_refused():
    module = vgg_small(((1,), (1,)), 10, (1, 8, 8))
    with pytest.raises(InputError, match=r"leaves every unit as it is \(conv1_1 1"):
        WidthSpace.of(find_channels(module, module.example_inputs(1)), 0.25)
    with pytest.raises(InputError, match="no layer's channels can be fewer"):
        find_channels(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), module.example_inputs(1))


def test_costs_are_those_of_the_extracted_network(small):
    module, channels, space = small
    inputs = module.example_inputs(2)
    row = np.array([2, 5])
    costs = {axis: make_cost(axis, module, channels, space, inputs) for axis in ("macs", "parameters", "traffic")}
    first, second = 2 * 9 * 64, 2 * 5 * 9 * 16
    assert costs["macs"](row) == first + second + 5 * 10
    weights = 2 * 9 + 2 * 5 * 9 + 5 * 10
    assert costs["parameters"](row) == weights + 10 + 2 * (2 + 5)
    moved = (64 + 2 * 64) + (2 * 16 + 5 * 16) + (5 + 10)
    assert costs["traffic"](row) == 4 * (weights + moved)
    for cost in costs.values():
        assert cost.share(space.most) == 1
        assert 0 < cost.share(space.least) < cost.share(row) < 1


def test_replayed_costs_rise_with_widths(small):
    module, channels, space = small
    inputs = module.example_inputs(2)
    for axis in ("dram", "energy"):
        cost = make_cost(axis, module, channels, space, inputs, cache_bytes=16 << 10)
        assert 0 < cost.share(space.least) < 1
        assert not cost.quick


def test_latency_asks_a_devices_layers(small):
    module, channels, space = small
    cost = make_cost("latency", module, channels, space, module.example_inputs(2), device="epyc-avx512-litert")
    assert 0 < cost.share(space.least) <= 1
    assert 1e-7 < cost.full < 1e-3
    with pytest.raises(InputError, match="of which device"):
        make_cost("latency", module, channels, space, module.example_inputs(2))
    with pytest.raises(InputError, match="give one of macs"):
        make_cost("watts", module, channels, space, module.example_inputs(2))
