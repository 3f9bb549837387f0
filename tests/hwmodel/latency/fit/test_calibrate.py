"""Intervals hold what they promise; what is measured next teaches more than what chance picks."""

import numpy as np
import pytest
from scipy.stats import norm

from hwmodel.latency.fit import calibrate
from hwmodel.latency.fit.choose import best_next, next_rows
from hwmodel.latency.fit.condition import MANY
from hwmodel.latency.fit.kernel import covariance
from tests.hwmodel.latency.fit.made import devices


def test_the_intervals_of_90_hold_about_90_of_the_truths():
    inside = []
    for seed in range(12):
        made = devices(100 + seed, networks=150, of_family=1, families="abcdef", own=True)
        rows = np.random.default_rng(seed).permutation(150)[:10]
        transfer = made.transfer()
        posterior = transfer.fit(rows, made.target[rows])
        reach = calibrate.reach(transfer.distances(posterior), 0.9)
        rest = np.setdiff1d(np.arange(150), rows)
        mean, variance = posterior.logarithm(rest)
        inside.append((np.abs(np.log(made.target[rest]) - mean) <= reach * np.sqrt(variance)).mean())
    assert 0.8 < np.mean(inside) < 0.98


def test_many_samples_calibrate_themselves():
    made = devices(0)
    rows = np.arange(MANY + 20)
    transfer = made.transfer()
    posterior = transfer.fit(rows, made.target[rows])
    distances = transfer.distances(posterior)
    assert distances.shape == (1, MANY + 20)
    assert calibrate.reach(distances, 0.9) == pytest.approx(norm.ppf(0.95), rel=0.3)


def test_left_out_errors_are_those_of_fits_without_the_sample():
    """Under the likeliest member with its scale as it is: the formula of left-out residuals, by leaving out."""
    made = devices(1, networks=40)
    rows = np.arange(MANY)[:30]
    posterior = made.transfer(0).fit(rows, made.target[rows])
    best = max(posterior.members, key=lambda one: one.share)
    total = best.lower @ best.lower.T
    residual = total @ best.fitted
    for place in (0, 7, 29):
        others = np.delete(np.arange(30), place)
        solved = np.linalg.solve(total[np.ix_(others, others)], total[others, place])
        error = residual[place] - solved @ residual[others]
        spread = np.sqrt(total[place, place] - solved @ total[others, place])
        assert calibrate.left_out_errors(posterior)[place] == pytest.approx(abs(error), rel=1e-4, abs=1e-9)
        assert calibrate.left_out(posterior)[0, place] == pytest.approx(error / spread, rel=1e-4, abs=1e-9)


def test_a_reach_stays_near_the_normal_laws():
    normal = norm.ppf(0.95)
    assert calibrate.reach(np.zeros((0, 0)), 0.9) == pytest.approx(normal)
    assert calibrate.reach(np.zeros((3, 50)), 0.9) == pytest.approx(calibrate.LEAST * normal)
    assert calibrate.reach(np.full((3, 50), 99.0), 0.9) == pytest.approx(calibrate.MOST * normal)
    drawn = np.random.default_rng(0).normal(size=(3, 100_000))
    assert calibrate.reach(drawn, 0.9) == pytest.approx(normal, rel=0.02)


def test_one_family_has_nothing_to_rehearse_with():
    made = devices(2, networks=40)
    transfer = made.transfer(2)
    assert transfer.distances(transfer.fit(np.arange(3), made.target[:3])).size == 0
    told = []
    transfer = made.transfer(4)
    posterior = transfer.fit(np.arange(3), made.target[:3])
    assert transfer.distances(posterior, lambda done, total: told.append((done, total))).shape == (4, 37)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def left(best, rows, more):
    """Mean variance of all networks under a member's covariance once those at `rows` and `more` are measured."""
    every, known = np.arange(len(best.shapes.base)), np.array([*rows, more])
    among = covariance([term.between(every, every) for term in best.terms], best.weights)
    taken = among[np.ix_(known, known)] + best.noise * np.eye(len(known))
    return np.trace(among - among[:, known] @ np.linalg.inv(taken) @ among[known])


@pytest.mark.parametrize("sources", [0, 6])
def test_the_next_network_lowers_the_variance_most(sources):
    made = devices(0, networks=60)
    rows = np.random.default_rng(0).permutation(60)[:6]
    posterior = made.transfer(sources).fit(rows, made.target[rows])
    best = max(posterior.members, key=lambda one: one.share)
    after = {row: left(best, rows, row) for row in np.setdiff1d(np.arange(60), rows).tolist()}
    chosen = best_next(posterior, np.arange(60))
    assert after[chosen] == pytest.approx(min(after.values()), rel=1e-9)
    assert after[chosen] < np.mean(list(after.values()))


def test_samples_that_are_chosen_leave_less_unknown_than_drawn_ones():
    chosen, drawn = [], []
    for seed in range(4):
        made = devices(seed, networks=120)
        transfer, order = made.transfer(0), np.random.default_rng(seed).permutation(120)
        rows = next_rows(transfer, made.target, order[:5], np.arange(120), 20)
        for into, own in ((chosen, rows), (drawn, order[:20])):
            into.append(transfer.fit(own, made.target[own]).logarithm(np.arange(120))[1].mean())
    assert np.mean(chosen) < np.mean(drawn)


def test_rows_are_chosen_one_after_the_other():
    made = devices(5, networks=30)
    rows = next_rows(made.transfer(2), made.target, np.array([3, 4]), np.arange(0, 30, 2), 8)
    assert len(set(rows.tolist())) == 8
    assert rows[:2].tolist() == [3, 4]
    assert not (rows[2:] % 2).any()
    with pytest.raises(ValueError, match="every architecture is measured"):
        next_rows(made.transfer(2), made.target, np.array([0]), np.array([0, 1]), 4)
