"""V-trace against the sum that defines it, and against cases that can be written down."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workloads.rl.vtrace import vtrace


def defined(log_ratio, reward, discount, value, last_value, rho_limit, c_limit):
    """Espeholt et al. 2018, equation 1, one unroll: sums over all later steps, as written."""
    ratio = np.exp(log_ratio)
    rho, c = np.minimum(rho_limit, ratio), np.minimum(c_limit, ratio)
    following = np.append(value[1:], last_value)
    length = len(reward)
    target = np.zeros(length + 1)
    target[-1] = last_value
    for s in range(length):
        target[s] = value[s] + sum(
            np.prod(discount[s:t]) * np.prod(c[s:t]) * rho[t] * (reward[t] + discount[t] * following[t] - value[t])
            for t in range(s, length)
        )
    return target[:-1], rho * (reward + discount * target[1:] - value)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(0.2, 2), st.floats(0.2, 2))
def test_it_is_the_sum_that_defines_it(length, seed, rho_limit, c_limit):
    random = np.random.default_rng(seed)
    log_ratio, reward, value = random.normal(size=(3, length, 2))
    discount = 0.9 * (random.random((length, 2)) > 0.2)
    last = random.normal(size=2)
    found = vtrace(*map(torch.from_numpy, (log_ratio, reward, discount, value, last)), rho_limit, c_limit)
    for column in range(2):
        expected = defined(*(x[..., column] for x in (log_ratio, reward, discount, value, last)), rho_limit, c_limit)
        for ours, twin in zip(found, expected, strict=True):
            assert ours[:, column].numpy() == pytest.approx(twin, rel=1e-9, abs=1e-9)


def test_on_policy_targets_are_discounted_returns():
    reward = torch.tensor([[1.0], [2.0], [4.0]], dtype=torch.float64)
    zero = torch.zeros_like(reward)
    target, advantage = vtrace(zero, reward, torch.full_like(reward, 0.5), zero + 7, torch.tensor([8.0]).double())
    assert target.flatten().tolist() == [1 + 0.5 * 6, 2 + 0.5 * 8, 4 + 0.5 * 8]
    assert advantage.flatten().tolist() == [4 - 7, 6 - 7, 8 - 7]


def test_nothing_passes_the_end_of_an_episode():
    reward = torch.tensor([[1.0], [5.0]])
    target, _ = vtrace(torch.zeros(2, 1), reward, torch.tensor([[0.0], [0.9]]), torch.zeros(2, 1), torch.zeros(1))
    assert target.flatten().tolist() == [1.0, 5.0]


def test_what_the_policy_would_never_do_teaches_nothing():
    value = torch.tensor([[3.0], [4.0]])
    target, advantage = vtrace(torch.full((2, 1), -80.0), torch.ones(2, 1), torch.ones(2, 1), value, torch.zeros(1))
    assert target.flatten().tolist() == pytest.approx([3.0, 4.0])
    assert advantage.abs().max() < 1e-30
