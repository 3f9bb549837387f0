"""What is learned from runs whose times are known, and what is then predicted."""

import math
from dataclasses import replace

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.balance.model.fit import CROWDING, fit, line
from hwmodel.balance.model.job import Job, Time
from hwmodel.balance.model.predict import limit, predict, rate
from hwmodel.balance.model.settings import Setting
from hwmodel.balance.model.simulate import simulate
from tests.hwmodel.balance.model.runs import FRAMES, observed, sums
from tests.hwmodel.balance.model.settings import setting

TRUE = {"actor_s": 2e-3, "gather_s": 3e-4, "gather_each_s": 5e-5, "device_s": 8e-4, "device_each_s": 1e-4,
        "reply_s": 6e-5, "reply_each_s": 2e-5}  # fmt: skip
LEARNS = {"learn_every": 20.0, "learn_cpu_s": 4e-4, "learn_device_s": 2e-3, "turns": 1}


def runs(counts=True, device=False, **more):
    asked = setting(threads=4, slice_s=2.1e-3, **TRUE | more)
    return [observed(asked._replace(actors=n), counts=counts, device=device) for n in (1, 2, 4)]


@pytest.mark.parametrize("device", [True, False])
@pytest.mark.parametrize("more", [{}, LEARNS])
def test_times_that_are_counted_are_found(device, more):
    job = fit(runs(device=device, **more), turns=True, crowding=0.0)
    for name, value in TRUE.items() | {pair for pair in more.items() if pair[0].endswith("_s")}:
        assert job.time(name) == pytest.approx(value, rel=0.01), name
        assert job.times[name].basis == "measured"
        assert job.times[name].spread < 0.2
    assert job.frames_per_request == pytest.approx(FRAMES)
    assert job.learn_every == pytest.approx(more.get("learn_every", 0), rel=0.05)
    assert job.threads == 4
    assert job.most_measured == 4
    assert abs(job.bias) < 0.03
    for run in job.runs:
        assert run["modelled_frames_per_second"] == pytest.approx(run["frames_per_second"], rel=0.08)


def test_crowding_is_believed_until_runs_tell():
    found = runs()
    job = fit(found[:1])
    assert job.crowding == CROWDING
    (busy,) = [min((one.actor_cpu_s + one.server_cpu_s) / (one.seconds * one.threads), 1.0) for one in found[:1]]
    assert job.time("actor_s") == pytest.approx(TRUE["actor_s"] * math.exp(CROWDING * (1 - busy)))
    assert 0 < fit(found).crowding < CROWDING  # they are not slower
    assert fit(found, crowding=0.2).crowding == 0.2


def test_a_server_on_the_cpu_has_no_device():
    job = fit(runs(device_s=0.0, device_each_s=0.0))
    assert "device_s" not in job.times
    assert job.time("gather_s") + job.time("reply_s") == pytest.approx(TRUE["gather_s"] + TRUE["reply_s"], rel=0.01)


def test_a_job_that_counts_nothing_is_known_by_its_rates():
    job = fit(runs(counts=False), crowding=0.0)
    assert job.times["device_s"].basis == "calibrated"
    assert job.frames_per_request == 1  # frames stand for requests
    assert job.time("actor_s") * FRAMES == pytest.approx(TRUE["actor_s"], rel=0.01)
    for run in job.runs:
        assert run["modelled_frames_per_second"] == pytest.approx(run["frames_per_second"], rel=0.1)


def test_the_interval_holds_what_then_happens():
    job = fit(runs(device=True))
    for actors, row in zip((8, 32), predict(job, [Setting(n, 4) for n in (8, 32)]), strict=True):
        truth = simulate(setting(threads=4, slice_s=2.1e-3, actors=actors, **TRUE)).requests_per_s * FRAMES
        assert row["low_frames_per_second"] < truth < row["high_frames_per_second"]
        assert row["frames_per_second"] == pytest.approx(truth, rel=0.1)


def test_some_runs_that_count_and_some_that_do_not():
    with pytest.raises(InputError, match="some runs count their requests and some do not"):
        fit([*runs(), *runs(counts=False)])
    with pytest.raises(InputError, match="no runs"):
        fit([])


def test_a_line_through_what_was_summed():
    n = np.array([1, 2, 2, 5.0])
    a, b = line(sums(n, 3 + 2 * n))
    assert (a.value, b.value) == pytest.approx((3, 2))
    a, b = line(sums(n, 1.0, 7 - n), "cpu")  # falls: all of it is the batch's
    assert (a.value, b.value) == pytest.approx((4.5, 0))
    a, b = line(sums(n, 2 * n - 1))  # through less than nothing at 0: all of it is the requests'
    assert a.value == pytest.approx(0)
    a, b = line(sums(np.full(9, 4.0), 12.0))
    assert (a.value, b.value) == (12, 0)


JOB = Job("j", {"actor_s": Time(1e-3, 0.02), "device_s": Time(5e-4, 0.1)}, threads=8, runs=({"actors": 4},), bias=0.1)


def test_intervals_grow_beyond_what_was_measured():
    job = replace(JOB, times={"actor_s": Time(1e-3)})
    widths = [math.log(row["high_frames_per_second"] / row["low_frames_per_second"])
              for row in predict(job, [Setting(n, 4096) for n in (1, 4, 8, 64)])]  # fmt: skip
    assert widths[0] == pytest.approx(widths[1]) == pytest.approx(2 * 1.6449 * JOB.discrepancy)
    assert widths[3] - widths[2] == pytest.approx(3 * (widths[2] - widths[1]))


def test_bias_is_made_good():
    (row,) = predict(JOB, [Setting(3, 8)])
    assert row["frames_per_second"] == pytest.approx(rate(JOB, Setting(3, 8)) * math.exp(0.1))


def test_both_models_tell_nearly_the_same():
    asked = [Setting(n, 8) for n in (1, 8, 64)]
    for one, other in zip(predict(JOB, asked), predict(JOB, asked, "fixed_point"), strict=True):
        assert set(one) == set(other)
        assert one["frames_per_second"] == pytest.approx(other["frames_per_second"], rel=0.1)
    assert predict(JOB, []) == []


@pytest.mark.parametrize(("given", "name"), [
    ({"actors": 64, "threads": 2}, "threads"),
    ({"actors": 64, "threads": 64, "device_s": 1e-2}, "device"),
    ({"actors": 8, "threads": 64, "learn_every": 8, "learn_cpu_s": 0.1}, "learner"),
    ({"actors": 64, "threads": 64, "gather_s": 1e-2}, "server"),
    ({"actors": 2, "threads": 64, "device_s": 1e-5}, "actors"),
])  # fmt: skip
def test_what_limits(given, name):
    asked = setting(**given)
    found = simulate(asked, 3000)
    assert limit(found, asked) == name


def test_what_most_actors_wait_for_limits_though_it_is_not_always_busy():
    """While the learner has its long turn all requests wait; afterwards all actors want a thread."""
    asked = setting(actors=40, threads=2, actor_s=2.4e-3, device_s=1e-3, learn_every=64, learn_device_s=5e-2, turns=1)
    found = simulate(asked, 6000, cv=0.3)
    assert max(found.actor_cores / 2, found.device_serve + found.device_learn) < 0.9
    assert found.actor_wait > found.actor_cores
    assert limit(found, asked) == "threads"
