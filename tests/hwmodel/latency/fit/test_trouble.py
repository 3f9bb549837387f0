"""Networks that no source says much of are known by how badly sources predict each other."""

from dataclasses import replace

import numpy as np
import pytest

from hwmodel.latency.fit import calibrate
from hwmodel.latency.fit.features import of_quantities
from hwmodel.latency.fit.transfer import prepare
from hwmodel.latency.fit.trouble import FAMILIES, WORST, trouble

HARD = np.arange(0, 200, 10)  # places of networks that devices disagree of


def phones(seed):
    """Devices (7, N) of three makers and one more, of networks of which MACs and bytes are known."""
    draw = np.random.default_rng(seed)
    quantities = np.exp(draw.normal(0, 0.7, (200, 2)))
    spread = np.full(200, 0.02)
    spread[HARD] = 0.2
    times = [(1 + quantities @ draw.gamma(4.0, 1.0, 2)) * np.exp(spread * draw.normal(size=200)) for _ in range(7)]
    return np.array(times[:6]), times[6], of_quantities(quantities)


def test_a_family_is_a_vote():
    squares = np.array([[1.0, 4.0], [3.0, 4.0], [8.0, 0.0]])
    expected = [(FAMILIES + 2 + 8) / (FAMILIES + 2), (FAMILIES + 4 + 0) / (FAMILIES + 2)]
    assert trouble(squares, ["a", "a", "b"]) == pytest.approx(np.array(expected))


def test_hard_networks_are_told():
    sources, target, features = phones(0)
    transfer = prepare(sources, list("aabbcc"), features)
    view = transfer.views[0]
    assert view.squares is not None
    assert view.squares.max() <= WORST
    found, rest = view.trouble(200), np.setdiff1d(np.arange(200), HARD)
    assert np.median(found[HARD]) > 3 * np.median(found[rest])
    posterior = transfer.fit(rest[:20], target[rest[:20]])
    deviations = np.sqrt(posterior.logarithm(np.arange(200))[1])
    assert np.median(deviations[HARD]) > 1.5 * np.median(deviations[rest])


def test_hard_networks_have_intervals_that_hold_more_of_them():
    inside = {"as easy": [], "hard": [], "rest": []}
    for seed in range(6):
        sources, target, features = phones(seed)
        rest = np.setdiff1d(np.arange(200), HARD)
        transfer = prepare(sources, list("aabbcc"), features)
        unaware = replace(transfer, views=[replace(view, squares=None) for view in transfer.views])
        for name, own, rows in (("as easy", unaware, HARD), ("hard", transfer, HARD), ("rest", transfer, rest[20:])):
            posterior = own.fit(rest[:20], target[rest[:20]])
            reach = calibrate.reach(own.distances(posterior), 0.9)
            mean, variance = posterior.logarithm(rows)
            inside[name].append((np.abs(np.log(target[rows]) - mean) <= reach * np.sqrt(variance)).mean())
    assert np.mean(inside["hard"]) > np.mean(inside["as easy"]) + 0.2
    assert 0.8 < np.mean(inside["rest"]) < 0.98


def test_leaving_a_family_out_leaves_its_votes_out():
    sources, _, features = phones(1)
    view = prepare(sources, list("aabbcc"), features).views[0]
    left = view.without(np.array([False, False, True, True, True, True]))
    assert left is not None
    assert left.squares is not None
    np.testing.assert_array_equal(left.trouble(200), trouble(view.squares[2:], list("bbcc")))


def test_sources_of_one_family_have_no_say():
    sources, _, features = phones(2)
    view = prepare(sources[:3], list("aaa"), features).views[0]
    assert (view.trouble(200) == 1).all()
