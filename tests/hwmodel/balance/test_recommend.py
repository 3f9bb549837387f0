"""What is recommended: the best of all that was tried, the knee, gains, the ratio that is wanted."""

import math
from dataclasses import replace

import numpy as np
import pytest

from circuits.errors import InputError
from hwmodel.balance.buy import budgets
from hwmodel.balance.machine import load_machine
from hwmodel.balance.model.job import Job, Time
from hwmodel.balance.model.settings import Setting
from hwmodel.balance.recommend import GOALS, KNEE, Host, balanced_ratio, compare, gains, recommend, setting_of

MACHINE = load_machine("aws-p3-2xlarge")  # 8 threads, a V100 of 80 SMs


def job(sms=80, **times):
    return Job("j", {name: Time(value) for name, value in times.items()}, threads=8, sms=sms)


BALANCED = job(actor_s=1e-3, gather_s=1e-4, gather_each_s=1e-5, device_s=5e-4, device_each_s=5e-5)


@pytest.fixture(scope="module")
def found():
    return recommend(BALANCED, MACHINE)


def test_the_best_is_the_best_of_those_that_were_tried(found):
    assert set(found["best"]) == set(GOALS)
    for goal, row in found["best"].items():
        most = max(one[goal] for one in found["settings"])
        same = [one for one in found["settings"]
                if all(one[key] == row[key] for key in ("actors", "threads", "gpus", "sms"))]  # fmt: skip
        assert same[0][goal] >= most * (1 - 0.002)
        assert row["low_frames_per_second"] < row["frames_per_second"] < row["high_frames_per_second"]


def test_the_knee_is_the_fewest_actors_that_come_near_the_most(found):
    knee = found["knee"]
    most = max(one["frames_per_second"] for one in found["settings"])
    assert KNEE <= knee["of_most"] <= 1
    assert knee["frames_per_second"] == knee["of_most"] * found["best"]["frames_per_second"]["frames_per_second"]
    top = max(found["settings"], key=lambda one: one["frames_per_second"])
    fewer = [one for one in found["settings"] if one["actors"] < knee["actors"]
             and all(one[key] == top[key] for key in ("threads", "gpus", "sms"))]  # fmt: skip
    assert fewer
    assert all(one["frames_per_second"] < KNEE * most for one in fewer)


def test_settings_are_within_the_machine(found):
    for one in found["settings"]:
        assert 1 <= one["threads"] <= MACHINE.threads
        assert 1 <= one["sms"] <= MACHINE.sms * MACHINE.gpus
        assert MACHINE.power_W(0, 0) <= one["power_W"] <= MACHINE.power_W(MACHINE.threads, MACHINE.gpus) * (1 + 1e-9)
        assert one["frames_per_joule"] == pytest.approx(one["frames_per_second"] / one["power_W"])


def test_gains_say_what_is_short():
    threads = gains(job(actor_s=1e-2, device_each_s=1e-7), Setting(256, 8))
    assert threads["threads"] == pytest.approx(1, abs=0.05)
    assert threads["actors"] == pytest.approx(0, abs=0.05)
    assert threads["sms"] == pytest.approx(0, abs=0.05)
    device = gains(job(actor_s=1e-5, device_each_s=1e-3), Setting(256, 8))
    assert device["sms"] == pytest.approx(1, abs=0.05)
    assert device["threads"] == pytest.approx(0, abs=0.05)
    actors = gains(job(actor_s=1e-3, device_each_s=1e-6), Setting(10, 64))
    assert actors["actors"] == pytest.approx(1, abs=0.05)
    assert actors["threads"] == pytest.approx(0, abs=0.05)


def test_a_job_without_sms_gains_none():
    assert "sms" not in gains(job(sms=0, actor_s=1e-3, device_s=1e-3), Setting(8, 8))


def test_the_wanted_ratio_is_cpu_time_over_sm_time():
    asked = job(actor_s=1e-3, device_each_s=1e-4)
    threads = int(MACHINE.threads)
    cpu_s = 1e-3 / MACHINE.speed(threads)
    assert balanced_ratio(asked, MACHINE, Host(), 64) == pytest.approx(cpu_s / (1e-4 * 80))
    learns = replace(asked, learn_every=10, times=asked.times | {"learn_device_s": Time(1e-2)})
    assert balanced_ratio(learns, MACHINE, Host(), 64) == pytest.approx(cpu_s / (1.1e-3 * 80))
    assert balanced_ratio(replace(asked, sms=0), MACHINE, Host(), 64) is None
    assert balanced_ratio(job(actor_s=1e-3), MACHINE, Host(), 64) is None


def test_speeds_are_over_those_of_the_host():
    fast = setting_of(BALANCED, load_machine("dgx-h100"), Host(2.0, 0.5), 8, 4)
    assert fast.thread_speed == pytest.approx(load_machine("dgx-h100").speed(4) / 2)
    assert fast.device_speed == pytest.approx(load_machine("dgx-h100").sm_speed / 0.5)


def test_memory_limits_actors():
    found = recommend(replace(BALANCED, memory_bytes=MACHINE.memory_bytes / 10), MACHINE)
    assert max(one["actors"] for one in found["settings"]) == 10
    with pytest.raises(InputError, match="its memory has no room for 1 actors"):
        recommend(replace(BALANCED, memory_bytes=2 * MACHINE.memory_bytes), MACHINE)


def test_a_machine_without_a_gpu():
    machine = load_machine("workstation-threadripper")
    with pytest.raises(InputError, match=r"machine workstation-threadripper: has no GPU, which the job j needs"):
        recommend(BALANCED, replace(machine, gpus=0.0))
    assert compare(BALANCED, [replace(machine, gpus=0.0)]) == []
    found = recommend(replace(BALANCED, sms=0), replace(machine, gpus=0.0, sms=0.0))
    assert found["balanced_cpu_gpu_ratio"] is None
    assert all(one["gpus"] == 0 for one in found["settings"])


def test_a_budget_buys_whole_machines():
    machines = [MACHINE, load_machine("dgx-1")]
    alone = {row["machine"]: row for row in compare(BALANCED, machines)}
    assert all(row["number"] == 1 for row in alone.values())
    many = compare(BALANCED, machines, power_W=20e3)
    assert [row["all_frames_per_second"] for row in many] == sorted(
        (row["all_frames_per_second"] for row in many), reverse=True
    )
    for row, machine in ((next(r for r in many if r["machine"] == m.name), m) for m in machines):
        assert row["number"] == math.floor(20e3 / machine.max_W)
        assert row["all_frames_per_second"] == pytest.approx(row["number"] * alone[machine.name]["frames_per_second"])
    (none,) = compare(BALANCED, [replace(MACHINE, price_USD=None)], USD=1e6)
    assert none["number"] == 0
    (both,) = compare(BALANCED, machines[1:], power_W=70e3, USD=149_000 * 3.5)
    assert both["number"] == 3


@pytest.mark.parametrize(("texts", "expected"), [
    ([], {}), (["20kW"], {"power_W": 20e3}), (["1.5 MW", "9USD/h"], {"power_W": 1.5e6, "USD_per_hour": 9.0}),
    (["5e4USD"], {"USD": 5e4}), (["300W"], {"power_W": 300.0}),
])  # fmt: skip
def test_budgets(texts, expected):
    assert budgets(texts) == expected


@pytest.mark.parametrize(
    "texts", [["20"], ["kW"], ["-3kW"], ["0W"], ["nanW"], ["1e999W"], ["20kw"], ["1W", "2kW"], [""]]
)
def test_a_budget_that_is_none(texts):
    with pytest.raises(InputError, match=r"--budget .*: (give a number above 0|there is another)"):
        budgets(texts)


def test_all_figures_are_plain_numbers(found):
    def plain(value):
        if isinstance(value, dict):
            return all(map(plain, value.values()))
        if isinstance(value, list):
            return all(map(plain, value))
        return not isinstance(value, np.generic) and not (isinstance(value, float) and math.isnan(value))

    assert plain(found)


def test_gains_are_told_at_the_knee():
    """Where the device has nothing to do, the most is reached with the fewest SMs already."""
    found = recommend(job(actor_s=1e-3, device_s=0.0), MACHINE)
    assert found["gains"]["at_actors"] == found["knee"]["actors"]
    assert found["gains"]["sms"] == pytest.approx(0, abs=1e-6)
    assert found["best"]["frames_per_second"]["sms"] == 10


def test_a_machine_reaches_alike_alone_and_beside_others(found):
    (row,) = compare(BALANCED, [MACHINE])
    for goal in GOALS:
        assert row[goal] == found["best"][goal][goal]
