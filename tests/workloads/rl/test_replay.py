"""Prioritised replay: drawn as often as the law says, learned from as often as the recipe says."""

import dataclasses

import numpy as np
import pytest

from workloads.rl.recipe import recipe
from workloads.rl.replay import Priorities, Replay


def test_slots_are_drawn_in_proportion_to_the_power_of_their_priority():
    priorities = Priorities(8, power=0.5, correction=1.0)
    given = np.array([1.0, 4, 9, 16, 25, 0, 36, 49])
    priorities.set(np.arange(8), given)
    slots, weights = priorities.draw(200_000, 7, np.random.default_rng(1))
    share = given[:7] ** 0.5 / (given[:7] ** 0.5).sum()
    counts = np.bincount(slots, minlength=8)
    assert counts[5] == counts[7] == 0  # no priority; not filled
    sigma = np.sqrt(200_000 * share * (1 - share))
    assert (np.abs(counts[:7] - 200_000 * share) <= 5 * sigma).all()
    # fully corrected, each slot counts the same on the whole
    each = np.bincount(slots, weights, minlength=7)[[0, 1, 2, 3, 4, 6]]
    assert each / each.mean() == pytest.approx(np.ones(6), rel=0.05)
    assert weights.max() == 1


def test_even_priorities_are_drawn_evenly_and_weigh_the_same():
    priorities = Priorities(4, power=0.0, correction=0.4)
    priorities.set(np.arange(4), np.array([0.1, 1, 10, 100]))
    slots, weights = priorities.draw(40_000, 4, np.random.default_rng(2))
    assert np.bincount(slots) == pytest.approx(np.full(4, 10_000), abs=5 * np.sqrt(40_000 * 3 / 16))
    assert (weights == 1).all()


def small(**changes):
    figures = {"batch": 2, "unroll": 5, "replay": 4, "least": 2, "replay_ratio": 0.5} | changes
    return dataclasses.replace(recipe("r2d2", 1, {}), **figures)


def unrolls(*numbers):
    return [{"observation": np.array([number])} for number in numbers]


def test_learning_is_due_by_the_ratio_once_enough_is_kept():
    replay = Replay(small(), seed=0)
    replay.add(unrolls(0), 100)
    assert not replay._ready()  # 100 steps, but one sequence
    replay.add(unrolls(1), 19)
    assert not replay._ready()  # 19 steps since: 9.5 to learn from, of 10
    replay.add([], 1)
    assert replay._ready()
    assert replay.wait_room(0)
    replay.add([], 20)
    assert not replay.wait_room(0)  # two batches are due: acting waits
    replay.take()
    assert replay.wait_room(0)
    assert not replay._full()


def test_a_sequence_that_was_replaced_keeps_its_own_priority():
    replay = Replay(small(), seed=0)
    replay.add(unrolls(0, 1, 2, 3), 40)
    drawn = replay.take()
    replay.add(unrolls(4, 5, 6, 7), 0)  # all are others now
    replay.set(drawn, np.array([1e6, 1e6]))
    assert replay._priorities._powered == pytest.approx(np.ones(4))
    again = replay.take()
    assert {int(unroll["observation"][0]) for unroll in again.unrolls} <= {4, 5, 6, 7}
    replay.set(again, np.array([16.0, 16.0]))
    assert replay._priorities._powered[again.slots] == pytest.approx(16.0**0.6)


def test_lockstep_acts_only_when_nothing_is_left_to_learn():
    replay = Replay(small(), seed=0, lockstep=True)
    replay.add(unrolls(0, 1), 20)
    assert not replay.wait_room(0)
    replay.take()
    assert not replay.wait_room(0)  # it is learned from now
    replay.close()
    assert replay.take() is None
    assert replay.wait_room(0)


def test_what_the_learner_failed_by_is_raised_where_acting_waits():
    replay = Replay(small(), seed=0)
    replay.close(ZeroDivisionError("of the learner"))
    with pytest.raises(ZeroDivisionError, match="of the learner"):
        replay.wait_room(0)
