"""What is learned of choices that cost alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwmodel.latency.fit.alike import mixing
from hwmodel.latency.fit.features import basis, of_codes
from hwmodel.latency.fit.transfer import prepare
from tests.hwmodel.latency.fit.made import devices, error


def correlation(mix):
    covariance = mix @ mix.T
    deviation = np.sqrt(np.diag(covariance))
    return covariance / np.outer(deviation, deviation)


def test_the_covariance_of_many_sources_is_found():
    draw = np.random.default_rng(0)
    layers, choices = (np.cov(draw.normal(size=(size, 2 * size))) for size in (5, 4))
    centre = np.eye(4) - 1 / 4  # what all choices of a layer have in common is not looked at
    left, right = np.linalg.cholesky(layers), centre @ np.linalg.cholesky(choices)
    sources = left @ draw.normal(size=(4000, 5, 4)) @ right.T
    truth = np.kron(layers, right @ right.T)
    found = mixing(sources)
    assert np.trace(found @ found.T) == pytest.approx(20)
    expected = truth / np.sqrt(np.outer(np.diag(truth), np.diag(truth)))
    assert np.abs(correlation(found) - expected).max() < 0.2  # the shrinkage, and no centre of its own
    assert np.abs(correlation(found) - expected).mean() < 0.05


@given(arrays(float, (2, 3, 4), elements=st.floats(-1e6, 1e6)), arrays(float, (2, 3, 1), elements=st.floats(-9, 9)))
def test_any_numbers_give_a_covariance_of_mean_variance_1(numbers, constant):
    found = mixing(numbers)
    assert np.isfinite(found).all()
    assert np.linalg.eigvalsh(found @ found.T).min() > 0
    assert np.trace(found @ found.T) == pytest.approx(12)
    if np.ptp(numbers - numbers.mean(axis=2, keepdims=True)) > 1:
        np.testing.assert_allclose(correlation(mixing(numbers + constant)), correlation(found), atol=1e-3)


def test_sources_that_are_the_same_or_one_source_tell_nothing_wrong():
    assert np.array_equal(mixing(np.full((3, 4, 5), 2.0)), np.eye(20))
    assert np.isfinite(mixing(np.random.default_rng(0).normal(size=(1, 6, 3)))).all()


def test_a_choice_that_is_dear_everywhere_is_told_by_few_samples():
    """Each device prices choices anew, alike in all layers: sources' own mixtures cannot say a new device's prices."""
    better = []
    for seed in range(4):
        draw = np.random.default_rng(seed)
        codes, size = draw.integers(0, 6, (400, 12)), np.exp(draw.normal(size=12) / 2)

        def device(draw=draw, codes=codes, size=size):
            table = size[:, None] * np.exp(0.7 * draw.normal(size=6) + 0.1 * draw.normal(size=(12, 6)))
            return 1 + table[np.arange(12), codes].sum(axis=1)

        sources, target = np.array([device() for _ in range(4)]), device()
        families, features = ["a", "b", "c", "d"], of_codes(codes)
        rows = draw.permutation(400)[:14]
        looked = prepare(sources, families, features, basis(codes))
        assert looked.choices is not None
        plain = [[prior for prior in view.priors if not prior.alike] for view in looked.views]
        without = type(looked)(
            *(getattr(looked, name) for name in ("sources", "described", "families", "features", "weights")),
            [type(view)(view.places, own) for view, own in zip(looked.views, plain, strict=True)],
        )
        errors = [error(one.fit(rows, target[rows]), target) for one in (looked, without)]
        better.append(errors[0] / errors[1])
    assert np.mean(better) < 0.9


def test_where_choices_are_not_all_that_describes_networks_they_are_not_looked_at():
    cells = np.random.default_rng(0).integers(0, 3, (300, 4))
    sources = np.exp(np.random.default_rng(1).normal(size=(3, 300)))
    assert prepare(sources, ["a", "b", "c"], of_codes(cells), basis(cells)).choices is None
    made = devices(0)
    assert made.transfer().choices is not None
    assert made.transfer().choices.shape == (6, 10, 4)
    assert prepare(made.sources, made.families, made.features).choices is None
