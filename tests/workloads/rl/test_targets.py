"""Targets of Q values: against a twin that walks each step's future."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workloads.rl.targets import n_step, seen, squeeze, stretch


def walked(reward, discount, following, cut, steps):
    """Returns, and whether each is known, step by step."""
    values, known = [], []
    for start in range(len(reward)):
        total, weight, fine, last = 0.0, 1.0, True, min(start + steps, len(reward)) - 1
        for t in range(start, last + 1):
            total += weight * reward[t]
            fine = fine and not cut[t]
            weight *= discount[t]
            if discount[t] == 0:
                break
        values.append(total + weight * following[last])
        known.append(fine)
    return values, known


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_returns_are_those_that_are_walked(length, steps, seed):
    random = np.random.default_rng(seed)
    reward, following = random.normal(size=(2, length, 1))
    ended = random.random((length, 1)) < 0.3
    cut = ended & (random.random((length, 1)) < 0.5)
    discount = 0.9 * ~ended
    values, known = walked(reward[:, 0], discount[:, 0], following[:, 0], cut[:, 0], steps)
    found = n_step(*map(torch.from_numpy, (reward, discount, following)), steps)
    assert found[:, 0].numpy() == pytest.approx(np.array(values))
    assert seen(torch.from_numpy(cut), torch.from_numpy(ended), steps)[:, 0].tolist() == known


@given(st.floats(-1e4, 1e4))
def test_stretching_undoes_squeezing(value):
    there = squeeze(torch.tensor([value], dtype=torch.float64))
    assert abs(float(there)) <= abs(value) + 1e-9
    assert float(stretch(there)) == pytest.approx(value, rel=1e-6, abs=1e-6)
