"""Intervals and tests beside SciPy's and closed forms."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from circuits.errors import InputError
from workloads.training.statistics import (
    against_ceiling,
    at_ceiling,
    bootstrap,
    noninferior,
    sign_test,
    spearman,
    wilcoxon,
)

DRAW = np.random.default_rng(7)
DIFFERENCES = DRAW.exponential(1.0, 14) - 0.3
SCIPY = {"bca": "BCa", "percentile": "percentile"}


@pytest.mark.parametrize("method", SCIPY)
@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_bootstrap_as_scipy_has_it(method, statistic):
    ours = bootstrap(DIFFERENCES, statistic, method=method, resamples=40_000, level=0.9)
    theirs = stats.bootstrap(
        (DIFFERENCES,), getattr(np, statistic), n_resamples=40_000, confidence_level=0.9, method=SCIPY[method],
        rng=np.random.default_rng(0), vectorized=True, axis=-1,
    ).confidence_interval  # fmt: skip
    spread = theirs.high - theirs.low
    assert ours.estimate == pytest.approx(getattr(np, statistic)(DIFFERENCES))
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * spread)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * spread)
    assert (ours.level, ours.count) == (0.9, 14)


def test_bootstrap_of_all_resamples_at_once():
    """Of two values there are four resamples: means a, (a + b) / 2 twice, b, so that quartiles are known."""
    found = bootstrap([0.0, 1.0], method="percentile", level=0.4, resamples=50_000)
    assert (found.low, found.high) == (0.5, 0.5)
    found = bootstrap([0.0, 1.0], method="percentile", level=0.6, resamples=50_000)
    assert (found.low, found.high) == (0.0, 1.0)


def test_bootstrap_covers_what_it_says():
    draw = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        found = bootstrap(draw.normal(0.5, 1, 20), level=0.9, resamples=400)
        inside += found.low <= 0.5 <= found.high
    assert 0.83 <= inside / 400 <= 0.95


def test_a_seed_repeats_an_interval_and_shifts_shift_it():
    assert bootstrap(DIFFERENCES, seed=3) == bootstrap(DIFFERENCES, seed=3)
    moved = bootstrap(DIFFERENCES + 5, seed=3)
    assert moved.low == pytest.approx(bootstrap(DIFFERENCES, seed=3).low + 5)


def test_equal_differences_have_an_interval_of_one_value():
    found = bootstrap([0.25] * 6)
    assert (found.low, found.estimate, found.high) == (0.25, 0.25, 0.25)


def test_noninferiority_is_students_test():
    found = noninferior(DIFFERENCES - 0.8, 0.5)
    theirs = stats.ttest_1samp(DIFFERENCES - 0.8, -0.5, alternative="greater")
    assert found.p == pytest.approx(theirs.pvalue)
    assert found.low == pytest.approx(stats.ttest_1samp(DIFFERENCES - 0.8, 0).confidence_interval(0.9).low)
    assert found.holds == (found.p < 0.05)
    assert noninferior(DIFFERENCES, 1.0).holds
    assert not noninferior(-DIFFERENCES * 3, 0.1).holds
    assert noninferior([0.0] * 5, 0.01).holds
    assert not noninferior([-0.02] * 5, 0.01).holds
    with pytest.raises(InputError, match="margin 0: give"):
        noninferior(DIFFERENCES, 0)


def test_spearman_as_scipy_has_it_with_ties():
    x, y = DRAW.integers(0, 5, 30), DRAW.integers(0, 5, 30)
    found = spearman(x, y, resamples=3000)
    assert found.estimate == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.low < found.estimate < found.high
    assert found.low >= -1
    assert found.high <= 1
    same = spearman(x, x**3)
    assert (same.estimate, same.low, same.high) == pytest.approx((1, 1, 1))
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]).estimate)
    with pytest.raises(ValueError, match="3 and 4"):
        spearman([1, 2, 3], [1, 2, 3, 4])


def test_spearmans_interval_covers_what_it_says():
    """Of a bivariate normal of correlation r, Spearman's is 6 / pi * asin(r / 2)."""
    draw = np.random.default_rng(2)
    expected, inside = 6 / math.pi * math.asin(0.3), 0
    for _ in range(200):
        x = draw.normal(size=60)
        found = spearman(x, 0.6 * x + 0.8 * draw.normal(size=60), level=0.9, resamples=300)
        inside += found.low <= expected <= found.high
    assert 0.8 <= inside / 200 <= 0.96


def test_ceiling_is_the_mean_over_pairs():
    rows = DRAW.normal(size=(4, 9)) + np.arange(9)
    naive = np.mean([stats.spearmanr(a, b).statistic for a, b in combinations(rows, 2)])
    assert at_ceiling(rows) == pytest.approx(naive)
    assert at_ceiling([[1, 2, 3], [2, 4, 9]]) == pytest.approx(1)
    assert at_ceiling([[1, 2, 3], [3, 2, 1]]) == pytest.approx(-1)
    with pytest.raises(InputError, match="at least two seeds"):
        at_ceiling(rows[:1])


def test_a_proxy_that_is_as_good_as_another_run_has_a_share_of_1():
    draw = np.random.default_rng(3)
    truth = np.arange(12.0)
    proxy, direct = (truth + draw.normal(size=(16, 12)) * 3 for _ in range(2))
    found = against_ceiling(proxy, direct)
    assert found.low < 1 < found.high
    assert found.estimate == pytest.approx(1, abs=0.1)
    noise = against_ceiling(draw.normal(size=(16, 12)), direct)
    assert noise.low < 0.2
    assert noise.high < 0.6
    naive = np.mean([stats.spearmanr(proxy[i], direct[j]).statistic for i in range(16) for j in range(16) if i != j])
    assert found.estimate == pytest.approx(naive / at_ceiling(direct))
    with pytest.raises(InputError, match="15 and 16 seeds"):
        against_ceiling(proxy[1:], direct)


def test_sign_test_counts_signs():
    assert sign_test([1, 2, 3, -1, 0]) == pytest.approx(2 * (1 + 4) / 16)
    assert sign_test([0, 0]) == 1
    assert sign_test([0.1] * 12) == pytest.approx(2 / 2**12)


def test_wilcoxon_as_scipy_has_it():
    assert wilcoxon(DIFFERENCES) == pytest.approx(stats.wilcoxon(DIFFERENCES).pvalue)
    assert wilcoxon([0.0, 0.0, 0.0]) == 1
    assert wilcoxon([1, 2, 3, 4, 5, 0]) == pytest.approx(2 / 2**5)


@pytest.mark.parametrize("function", [bootstrap, sign_test, wilcoxon, lambda x: noninferior(x, 1)])
def test_what_is_no_number_is_refused(function):
    with pytest.raises(InputError, match="not finite"):
        function([1.0, float("nan"), 2.0])
    with pytest.raises(InputError, match="give a list"):
        function([])
