"""Order statistics, codes and rare failures against closed forms and brute force."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from circuits.variation.of_cache import chip_yield
from circuits.variation.tail import any_of, check_bits, failure, word_failure, worst_of


@pytest.mark.parametrize("sigmas", [1.0, 3.0, 6.0, 9.0])
def test_a_plane_fails_as_the_normal_tail(sigmas):
    direction = np.array([0.6, 0.0, -0.8])
    found = failure(lambda u: sigmas + u @ direction, np.zeros((2, 3)))
    assert found == pytest.approx([stats.norm.sf(sigmas)] * 2, rel=1e-6)


def test_a_margin_below_zero_at_the_origin_fails_more_often_than_not():
    assert failure(lambda u: -2 + u[:, 0], np.zeros((1, 2)))[0] == pytest.approx(stats.norm.cdf(2.0))


def test_a_lognormal_margin():
    found = failure(lambda u: np.exp(0.3 * u[:, 0] + 0.4 * u[:, 1]) - 0.2, np.zeros((1, 2)))
    assert found[0] == pytest.approx(stats.norm.cdf(math.log(0.2) / 0.5), rel=1e-4)


@pytest.mark.parametrize(("margin", "right"), [(0.1, 0.0), (-0.1, 1.0)])
def test_what_does_not_vary_passes_or_fails_for_certain(margin, right):
    assert failure(lambda u: np.full(len(u), margin), np.zeros((3, 2))).tolist() == [right] * 3


def test_any_of_keeps_small_probabilities():
    assert any_of(1e-18, 10**6) == pytest.approx(1e-12, rel=1e-9)
    assert any_of(0.25, 2) == pytest.approx(1 - 0.75**2)


@pytest.mark.parametrize(("bits", "check"), [(8, 5), (16, 6), (32, 7), (64, 8), (128, 9), (256, 10)])
def test_check_bits_of_secded(bits, check):
    """R. W. Hamming, Bell System Technical Journal 29(2), 1950: 39 of 32 and 72 of 64."""
    assert check_bits(bits) == check


@pytest.mark.parametrize("bit", [1e-7, 1e-3, 0.2])
@pytest.mark.parametrize("corrected", [0, 1, 2])
def test_a_words_failure_is_the_binomials_tail(bit, corrected):
    assert word_failure(bit, 72, corrected) == pytest.approx(stats.binom.sf(corrected, 72, bit), rel=1e-9)


def test_a_words_failure_counted_out():
    """Five bits, every pattern of failures."""
    bit, patterns = 0.1, itertools.product((0, 1), repeat=5)
    direct = math.fsum(bit ** sum(p) * (1 - bit) ** (5 - sum(p)) for p in patterns if sum(p) > 1)
    assert word_failure(bit, 5, 1) == pytest.approx(direct)


def test_a_chips_yield_is_every_words():
    assert chip_yield(1e-4, 1000, 64, "none") == pytest.approx((1 - 1e-4) ** 64000)
    assert chip_yield(1e-4, 1000, 64, "secded") == pytest.approx(stats.binom.cdf(1, 72, 1e-4) ** 1000)


def test_the_worst_of_many_against_brute_force():
    random = np.random.default_rng(5)
    values = random.standard_normal(200_000)
    brute = np.median(np.random.default_rng(6).standard_normal((2000, 1000)).max(axis=1))
    assert worst_of(values, 1000) == pytest.approx(brute, rel=0.02)


@pytest.mark.parametrize("count", [10**3, 10**6, 25 * 10**6])
def test_the_worst_of_many_normals_is_the_normal_quantile(count):
    values = np.random.default_rng(7).standard_normal(200_000)
    assert worst_of(values, count) == pytest.approx(stats.norm.ppf(0.5 ** (1 / count)), rel=0.05)


def test_the_worst_of_equals():
    assert worst_of(np.full(100, 3.0), 10**7) == 3.0
