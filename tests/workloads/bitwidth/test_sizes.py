"""Networks of one size, and the choice of bits layer by layer."""

from collections.abc import Mapping
from functools import cache
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from circuits.errors import InputError
from workloads.bitwidth.method import METHOD, ShapesSettings
from workloads.bitwidth.mixed import filled, knapsack, never_worse, packed_bytes, sensitivities, without_loss
from workloads.bitwidth.quantise import few_bits, layer_bits, weighted
from workloads.bitwidth.sizes import Sizes, equal_size
from workloads.channels import find_channels
from workloads.networks.counting import count_parameters
from workloads.networks.small import mobile_small
from workloads.recipes import Recipe, build


@cache
def of_small(count: str = "scales") -> Sizes:
    module = mobile_small(0.5, image=(1, 14, 14))
    return Sizes(module, find_channels(module, module.example_inputs(2)), count)


def test_a_size_is_what_is_stored() -> None:
    module = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    channels = find_channels(module, (torch.zeros(1, 1, 4, 4),))
    sizes = Sizes(module, channels, "all")
    bits = {"0": 3, "4": 8}
    found = sizes.size(bits, {})
    assert found.weights == -(-27 * 3 // 8) + 24
    assert found.scales == 2 * (3 + 2)
    assert found.others == 4 * (3 + 3 + 2)  # two biases, and the shift of the normalisation
    assert [found.counted(count) for count in ("weights", "scales", "all")] == [35, 45, 77]
    assert sizes.size(bits, {"0": 2}).weights == -(-18 * 3 // 8) + 16
    assert sizes.in_order() == ["0", "4"]


@given(st.integers(1, 8), st.integers(1, 8), st.sampled_from([None, 8]), st.sampled_from(["weights", "scales", "all"]))
@settings(max_examples=10)
def test_pairs_are_of_one_size_and_wider_the_fewer_their_bits(at: int, bits: int, ends: int | None, count: str) -> None:
    sizes = of_small(count)
    order = sizes.in_order()
    target = sizes.counted(layer_bits(order, at, ends), {})
    pair = equal_size(sizes, layer_bits(order, bits, ends), target)
    assert 0 <= pair.residual < 0.01
    assert pair.size.counted(count) == sizes.counted(pair.bits, pair.widths) <= target
    assert (pair.alpha - 1) * (at - bits) >= 0
    if at == bits:
        assert pair.widths == sizes.channels.widths(1.0)


def test_full_size_networks_are_of_one_size() -> None:
    name = "resnet18"
    found = METHOD.shapes(ShapesSettings(network=name, bits=[2, 8]))
    assert list(found) == [f"{name}_2bit", f"{name}_8bit"]
    few, many = found.values()
    assert many.widths == {}
    assert many.weight_bits == 8
    assert few.about["width"] > 1.3
    assert few.about["macs"] > 1.9 * many.about["macs"]
    assert 0 <= many.about["size_bytes"] - few.about["size_bytes"] < 0.005 * many.about["size_bytes"]
    module = build(few)
    assert count_parameters(module) == few.about["parameters"]
    layers = weighted(module)
    stored = sum(-(-part.weight.numel() * few.weight_bits[one] // 8) for one, part in layers.items())  # type: ignore[index, union-attr, operator]
    assert stored + 2 * sum(len(part.weight) for part in layers.values()) == few.about["size_bytes"]  # type: ignore[arg-type]
    assert Recipe.model_validate(few.model_dump()) == few


@pytest.mark.parametrize(
    ("target", "told"), [(30, "cannot shrink further"), (10**9, "more than 2, 8 bits take at 64 times the width")]
)
def test_sizes_that_cannot_be_had_are_refused(target: int, told: str) -> None:
    sizes = of_small()
    with pytest.raises(InputError, match=told):
        equal_size(sizes, layer_bits(sizes.in_order(), 2), target)
    with pytest.raises(InputError, match="count 'bytes'"):
        of_small("bytes")


TABLES = st.lists(st.tuples(*[st.floats(-1, 1) for _ in range(3)]), min_size=1, max_size=4)


@given(TABLES, st.lists(st.integers(1, 40), min_size=4, max_size=4), st.integers(0, 60))
@settings(max_examples=30)
def test_the_choice_of_least_cost_is_found(table: list[tuple[float, ...]], counts: list[int], room: int) -> None:
    costs: dict[str, dict[int, float]] = {
        f"l{i}": dict(zip((1, 2, 8), row, strict=True)) for i, row in enumerate(table)
    }
    elements = {name: counts[i] for i, name in enumerate(costs)}
    budget = sum(packed_bytes(elements[name], 1) for name in costs) + room
    found = knapsack(costs, elements, budget)
    assert sum(packed_bytes(elements[name], bits) for name, bits in found.items()) <= budget
    best = min(
        sum(costs[name][bits] for name, bits in zip(costs, several, strict=True))
        for several in product((1, 2, 8), repeat=len(costs))
        if sum(packed_bytes(elements[name], bits) for name, bits in zip(costs, several, strict=True)) <= budget
    )
    assert sum(costs[name][bits] for name, bits in found.items()) == pytest.approx(best, abs=1e-6)


def test_a_budget_is_not_left_idle_and_none_below_the_least_is_taken() -> None:
    costs = {"a": {1: 0.5, 4: 0.6, 8: 0.1}, "b": {1: 0.3, 4: 0.3, 8: 0.4}}
    elements = {"a": 8, "b": 8}
    assert never_worse(costs) == {"a": {1: 0.5, 4: 0.5, 8: 0.1}, "b": {1: 0.3, 4: 0.3, 8: 0.3}}
    assert knapsack(costs, elements, 12) in ({"a": 8, "b": 1}, {"a": 8, "b": 4})
    assert filled({"a": 8, "b": 1}, (1, 4, 8), elements, 12) == {"a": 8, "b": 4}
    assert filled({"a": 1, "b": 4}, (1, 4, 8), elements, 9) == {"a": 4, "b": 4}
    assert filled({"a": 1, "b": 1}, (1, 4, 8), elements, 99) == {"a": 8, "b": 8}
    with pytest.raises(InputError, match="size 1 bytes: the fewest bits of each layer take 2"):
        knapsack(costs, elements, 1)


def test_bits_without_loss_are_given_up_until_accuracy_would_fall() -> None:
    asked: list[dict[str, int]] = []

    def accuracy(bits: Mapping[str, int]) -> float:
        asked.append(dict(bits))
        return 0.9 if bits["a"] >= 2 and bits["b"] >= 4 else 0.5

    assert without_loss(["a", "b", "c"], range(1, 9), accuracy, 0.9) == {"a": 2, "b": 4, "c": 1}
    assert asked[0] == {"a": 7, "b": 8, "c": 8}
    assert len(asked) == (6 + 1) + (4 + 1) + 7


def test_each_layer_is_quantised_alone_for_its_sensitivity() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1))

    def loss(changed: nn.Module) -> float:
        bits = [few_bits(part) or 0 for part in changed]  # type: ignore[union-attr]
        return 1.0 + 10 * bits[0] + 100 * bits[1]

    found = sensitivities(module, ["0", "1"], [1, 4], loss)
    assert found == {"0": {1: 10, 4: 40}, "1": {1: 100, 4: 400}}
