"""Drivers of other frameworks: a real run of Stable-Baselines3, counted; mistakes in one line."""

import pytest

from circuits.errors import InputError
from hwmodel.balance.meters import Meters
from workloads.rl.frameworks import Job, run_rllib, run_sb3


def test_a_run_of_stable_baselines_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("HWMODEL_METER", str(tmp_path))
    told = run_sb3(Job("CartPole-v1", "a2c", envs_per_actor=2, steps=40))
    assert told["steps"] == 40
    assert told["steps_per_second"] > 0
    sums = {phase: values for (_, phase), values in Meters(tmp_path).read().items()}
    assert sums["frames"][1] == sums["environment"][1] == 40


@pytest.mark.parametrize("run", [run_sb3, run_rllib])
def test_an_environment_that_is_not_there_is_named(run):
    with pytest.raises(InputError, match="--env Nope-v0"):
        run(Job("Nope-v0", "ppo", steps=1))


def test_an_algorithm_that_cannot_play_says_so():
    with pytest.raises(InputError, match="dqn on Pendulum-v1"):
        run_sb3(Job("Pendulum-v1", "dqn", steps=1))


@pytest.mark.parametrize(
    ("given", "match"),
    [({}, "neither is given"), ({"steps": 0}, "above 0"), ({"seconds": -1.0}, "above 0"),
     ({"steps": 1, "actors": 0}, "--actors"), ({"steps": 1, "envs_per_actor": 0}, "--envs-per-actor")],
)  # fmt: skip
def test_a_job_that_cannot_be_is_refused(given, match):
    with pytest.raises(InputError, match=match):
        Job("CartPole-v1", "ppo", **given)
