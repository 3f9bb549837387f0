"""Weights of few bits: against plain Python, by their laws, and trained through."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from torch import nn

from circuits.errors import InputError
from workloads.bitwidth.quantise import (
    NORMAL_STEPS,
    codes,
    layer_bits,
    packed_weights,
    plain,
    quantise,
    quantised,
    steps,
)

FILTERS = st.lists(
    st.lists(st.floats(-4, 4, width=32).filter(lambda value: value == 0 or abs(value) > 1e-6), min_size=5, max_size=5),
    min_size=1,
    max_size=3,
)


def twin(weights: list[list[float]], bits: int) -> list[list[float]]:
    """Quantise filter by filter, weight by weight."""
    found = []
    for row in weights:
        if bits == 1:
            size = sum(map(abs, row)) / len(row)
            found.append([math.copysign(size, value) if value else size for value in row])
            continue
        step = NORMAL_STEPS[bits] * math.sqrt(sum(value**2 for value in row) / len(row))
        levels = [(k + 0.5) * step for k in range(-(2 ** (bits - 1)), 2 ** (bits - 1))]
        found.append([min(levels, key=lambda level, value=value: abs(level - value)) for value in row])
    return found


@given(FILTERS, st.integers(1, 8))
@settings(max_examples=40)
def test_each_weight_becomes_the_nearest_of_its_filters_levels(rows: list[list[float]], bits: int) -> None:
    weight = torch.tensor(rows, dtype=torch.float64)
    made = quantise(weight, steps(weight, bits), bits)
    error, expected = (made - weight).abs(), (torch.tensor(twin(rows, bits), dtype=torch.float64) - weight).abs()
    torch.testing.assert_close(error, expected, rtol=1e-9, atol=1e-12)  # where two are as near, either will do


@given(FILTERS, st.integers(1, 8), st.floats(0.01, 100))
@settings(max_examples=40)
def test_laws(rows: list[list[float]], bits: int, scale: float) -> None:
    weight = torch.tensor(rows, dtype=torch.float64)
    step = steps(weight, bits)
    made, code = quantise(weight, step, bits), codes(weight, step, bits)
    assert all(len(row.unique()) <= 2**bits for row in made)
    assert int(code.min()) >= -(2 ** (bits - 1))
    assert int(code.max()) <= 2 ** (bits - 1) - 1
    torch.testing.assert_close((code + 0.5) * step, made)  # what is stored is what is used
    torch.testing.assert_close(quantise(made, step, bits), made)  # once is enough
    torch.testing.assert_close(steps(weight * scale, bits), step * scale)
    nought = torch.finfo(torch.float64).tiny
    alive = step.squeeze(1) > nought
    torch.testing.assert_close(quantise(made[alive] * scale, step[alive] * scale, bits), made[alive] * scale)


def test_all_codes_are_used_and_errors_fall_with_bits() -> None:
    weight = torch.randn(4, 20_000, generator=torch.Generator().manual_seed(0))
    errors = []
    for bits in range(1, 9):
        step = steps(weight, bits)
        found = codes(weight[0], step[0], bits).unique().tolist()
        assert found == list(range(-(2 ** (bits - 1)), 2 ** (bits - 1))) or bits > 6  # whose tails are rarer
        errors.append(float((quantise(weight, step, bits) - weight).square().mean()))
    published = [0.3634, 0.1188, 0.03744, 0.01154, 0.003495, 0.001040]  # J. Max 1960, table II: 2 to 64 levels
    np.testing.assert_allclose(errors[:6], published, rtol=0.03)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("bits", NORMAL_STEPS)
def test_steps_are_those_of_least_squared_error_of_a_normal_variable(bits: int) -> None:
    def error(step: float) -> float:
        edges = np.arange(1 - 2 ** (bits - 1), 2 ** (bits - 1)) * step
        low, high = np.append(-np.inf, edges), np.append(edges, np.inf)
        level = (np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1)) + 0.5) * step
        chance = stats.norm.cdf(high) - stats.norm.cdf(low)
        mean = stats.norm.pdf(low) - stats.norm.pdf(high)
        return 1 + float((level**2 * chance - 2 * level * mean).sum())

    found: Any = optimize.minimize_scalar(error, bounds=(1e-3, 3), method="bounded", options={"xatol": 1e-8})
    assert NORMAL_STEPS[bits] == pytest.approx(found.x, abs=2e-5)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_gradient_passes_within_range_and_stops_outside(bits: int) -> None:
    step = torch.tensor([[0.5]])
    edge = 2 ** (bits - 1) * 0.5
    weight = torch.tensor([[0.0, 0.9 * edge, -0.9 * edge, 1.1 * edge, -3 * edge]], requires_grad=True)
    (quantise(weight, step, bits) * torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])).sum().backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [[1.0, 2.0, 3.0, 0.0, 0.0]]


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6), nn.ConvTranspose2d(6, 4, 2, 2),
        nn.Flatten(), nn.Linear(4 * 64, 3),
    )  # fmt: skip


@pytest.mark.parametrize("bits", [1, 3])
def test_a_module_trains_through_its_few_bits_and_keeps_its_state(bits: int) -> None:
    module, images = small(), torch.randn(8, 2, 8, 8)
    made = quantised(module, {"0": bits, "3": bits, "4": bits, "6": 8})
    optimizer = torch.optim.SGD(made.parameters(), lr=0.1)
    before = float(made(images).square().mean().detach())
    for _ in range(5):
        optimizer.zero_grad()
        made(images).square().mean().backward()
        optimizer.step()
    assert float(made(images).square().mean().detach()) < before
    assert all(torch.equal(*pair) for pair in zip(small().parameters(), module.parameters(), strict=True))
    again = quantised(small(), {"0": bits, "3": bits, "4": bits, "6": 8})
    again.load_state_dict(made.state_dict())
    still = plain(made)
    for one in (made, again, still):
        one.eval()
    torch.testing.assert_close(again(images), made(images))
    torch.testing.assert_close(still(images), made(images))
    assert set(still.state_dict()) == set(module.state_dict())
    for name, (code, step, own) in packed_weights(made).items():
        weight = still.get_parameter(f"{name}.weight")
        torch.testing.assert_close((code + 0.5) * step, weight)
        filters = weight.transpose(0, 1) if name == "4" else weight
        assert all(len(one.unique()) <= 2**own for one in filters)


def test_the_first_and_last_layer_may_keep_more_bits() -> None:
    assert layer_bits(["a", "b", "c"], 2) == {"a": 8, "b": 2, "c": 8}
    assert layer_bits(["a", "b", "c"], 2, ends=None) == {"a": 2, "b": 2, "c": 2}
    assert layer_bits(["a"], 2) == {"a": 8}


@pytest.mark.parametrize(
    ("bits", "told"), [(0, "bits 0"), (9, "bits 9"), (True, "bits True"), ({"1": 4}, "'1': no layer with weights"),
                       ({"0": 2.0}, "bits 2.0")]
)  # fmt: skip
def test_bits_that_cannot_be_are_refused(bits: int, told: str) -> None:
    with pytest.raises(InputError, match=told):
        quantised(small(), bits)


def test_modules_that_cannot_be_quantised_are_refused() -> None:
    with pytest.raises(InputError, match="no weights to quantise"):
        quantised(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)), 4)
    with pytest.raises(InputError, match="0: has weights of 4 bits already"):
        quantised(quantised(small(), 4), 2)
