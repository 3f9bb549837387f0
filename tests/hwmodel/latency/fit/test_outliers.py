"""Many evidences at once against scipy's normal law and every choice of a disturbed sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from hwmodel.latency.fit import outliers
from hwmodel.latency.fit.outliers import DISTURBED, MOST_DISTURBED, RARE, evidences


def problem(seed, samples):
    """Weights (5, 3), parts of a covariance, a residual and trouble."""
    draw = np.random.default_rng(seed)
    factors = draw.normal(size=(2, samples, 2))
    weights = np.column_stack([draw.normal(-3, 1, (5, 2)), draw.normal(-6, 1, 5)])
    residual = 0.1 * draw.normal(size=samples)
    residual[0] += draw.choice([0.0, 1.5])
    return weights, [factor @ factor.T for factor in factors], residual, draw.uniform(0.5, 3, samples)


def law(weights, parts, residual, trouble, added):
    total = sum(np.exp(w) * part for w, part in zip(weights[:-1], parts, strict=True))
    return multivariate_normal.logpdf(
        residual, np.zeros(len(residual)), total + np.diag(np.exp(weights[-1]) * trouble + added)
    )


@given(st.integers(0, 2**32), st.integers(1, MOST_DISTURBED - 1))
def test_of_few_samples_none_is_disturbed(seed, samples):
    weights, parts, residual, trouble = problem(seed, samples)
    values, added = evidences(weights, parts, residual, trouble)
    assert not added.any()
    for own, value in zip(weights, values, strict=True):
        assert value == pytest.approx(law(own, parts, residual, trouble, 0 * residual), rel=1e-6, abs=1e-6)


@given(st.integers(0, 2**32), st.integers(MOST_DISTURBED, 2 * MOST_DISTURBED - 1))
def test_the_likeliest_sample_is_disturbed_or_none(seed, samples):
    weights, parts, residual, trouble = problem(seed, samples)
    values, added = evidences(weights, parts, residual, trouble)
    for own, value, chosen in zip(weights, values, added, strict=True):
        each = [law(own, parts, residual, trouble, 0 * residual)]
        each += [
            law(own, parts, residual, trouble, DISTURBED * one) + np.log(RARE / (1 - RARE)) for one in np.eye(samples)
        ]
        assert value == pytest.approx(max(each), rel=1e-6, abs=1e-6)
        assert chosen.sum() == pytest.approx(DISTURBED * (np.argmax(each) > 0))


@given(st.integers(0, 2**32))
def test_several_disturbed_samples_are_told_by_what_they_add(seed):
    weights, parts, residual, trouble = problem(seed, 12)
    values, added = evidences(weights, parts, residual, trouble)
    for own, value, chosen in zip(weights, values, added, strict=True):
        assert (chosen > 0).sum() <= 12 // MOST_DISTURBED
        odds = (chosen > 0).sum() * np.log(RARE / (1 - RARE))
        assert value == pytest.approx(law(own, parts, residual, trouble, chosen) + odds, rel=1e-6, abs=1e-6)


def test_what_floats_cannot_hold_spoils_no_other(monkeypatch):
    weights, parts, residual, trouble = problem(0, 6)
    expected, _ = evidences(weights, parts, residual, trouble)
    spoilt = weights.copy()
    spoilt[2, 0] = 1e3
    monkeypatch.setattr(outliers, "AT_ONCE", 2 * 36)
    found, _ = evidences(spoilt, parts, residual, trouble)
    assert found[2] == -np.inf
    kept = [0, 1, 3, 4]
    np.testing.assert_allclose(found[kept], expected[kept], rtol=1e-9)
