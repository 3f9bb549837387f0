"""A job's file: what is written is read again, and each mistake in one is a line."""

import math
from dataclasses import fields, replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.balance.model.job import BASES, LIMITS, TIMES, Job, Time, dumped, load_job
from hwmodel.balance.model.settings import Setting, demands, scaled, settled

GIVEN = {
    "format": 1,
    "name": "pong",
    "times": {"actor_s": {"value": 1e-3, "spread": 0.1, "basis": "measured"}, "device_s": 2e-3},
}


@pytest.fixture
def write(tmp_path):
    def written(**changes):
        document = GIVEN | changes
        path = tmp_path / "job.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value != "absent"}))
        return path

    return written


def test_a_job_by_hand_needs_a_name_and_times(write):
    job = load_job(write())
    assert job.time("actor_s") == 1e-3
    assert job.times["device_s"] == Time(2e-3, 0.0, "assumed")
    assert job.time("reply_s") == 0
    assert job.most_measured == 0
    assert load_job(write().parent) == job


small = st.floats(0, 1, allow_subnormal=False)
TIME = st.builds(Time, st.floats(1e-9, LIMITS["times"]), st.floats(0, LIMITS["spread"]), st.sampled_from(BASES))


@settings(max_examples=25)
@given(st.builds(
    Job, name=st.text("ab c:#", max_size=9), times=st.dictionaries(st.sampled_from(TIMES), TIME, min_size=1),
    frames_per_request=st.floats(1e-3, 1e6), threads=st.integers(1, 999), sms=st.integers(0, 999),
    least=st.integers(0, 99), most=st.integers(1, 99), learn_every=st.one_of(st.just(0.0), st.floats(0.01, 1e6)),
    ahead=st.floats(0, 9), turns=st.booleans(), crowding=st.floats(-1, 1), scaling=small, bias=st.floats(-1, 1),
    runs=st.lists(st.fixed_dictionaries({"actors": st.integers(1, 9), "seconds": small}), max_size=2).map(tuple),
    sources=st.dictionaries(st.text("ab", min_size=1), st.text("ab:")),
))  # fmt: skip
def test_what_is_written_is_read_again(tmp_path_factory, job):
    path = tmp_path_factory.mktemp("job") / "job.yaml"
    path.write_text(dumped(job))
    assert load_job(path) == job


NOT_NUMBERS = ["2", None, True, math.nan, math.inf, -math.inf, [1], {}, 1e300, -1e300]


@pytest.mark.parametrize("value", NOT_NUMBERS)
@pytest.mark.parametrize("name", [one.name for one in fields(Job) if one.type in (float, int)])
def test_a_figure_must_be_a_number_within_reason(write, name, value):
    with pytest.raises(InputError, match=rf"job.yaml: {name}: .*no number from .* to") as told:
        load_job(write(**{name: value}))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("changes", "told"), [
    ({"format": "absent"}, "not a job of this version; it begins with format: 1"),
    ({"format": 2}, "not a job of this version"),
    ({"name": "absent"}, "name is missing"),
    ({"times": "absent"}, "times is missing"),
    ({"colour": 1}, "colour: unknown; known are name, times"),
    ({"frames_per_request": 0}, "frames_per_request: 0: must be above 0"),
    ({"threads": 0}, "threads: 0: must be above 0"),
    ({"threads": 1.5}, "threads: 1.5 is no whole number"),
    ({"threads": 1 << 20}, "threads: 1048576 is no number from 0 to 16384"),
    ({"ahead": -1}, "ahead: -1 is no number from 0"),
    ({"learn_every": 1e-3}, "learn_every: 0.001: give 0 for no learner, or requests, 0.01 or more"),
    ({"scaling": 1.5}, "scaling: 1.5 is no number from 0 to 1"),
    ({"turns": 1}, "turns: 1 is neither true nor false"),
    ({"sources": []}, "sources: give names and texts"),
    ({"runs": 3}, "runs: give a list of runs"),
    ({"runs": [{"actors": "x"}]}, "runs: give a list of runs, each with its actors"),
    ({"runs": [{"actors": 0}]}, "runs: give a list of runs, each with its actors"),
    ({"times": {}}, "times: give some of actor_s"),
    ({"times": 3}, "times: give some of actor_s"),
    ({"times": {"actors_s": 1}}, "times: actors_s: unknown; known are actor_s"),
    ({"times": {"actor_s": {"spread": 1}}}, "times: actor_s: give value, spread and basis"),
    ({"times": {"actor_s": {"value": 1, "unit": "ms"}}}, "times: actor_s: give value, spread and basis"),
    ({"times": {"actor_s": {"value": 1, "basis": "told"}}}, "basis 'told': give one of measured"),
    ({"times": {"actor_s": -1}}, "times: actor_s: -1 is no number from 0 to 3600"),
    ({"times": {"actor_s": True}}, "times: actor_s: True is no number"),
    ({"times": {"actor_s": math.nan}}, "times: actor_s: nan is no number"),
    ({"times": {"actor_s": 1e5}}, "times: actor_s: 100000.0 is no number"),
    ({"times": {"actor_s": {"value": 1, "spread": 9}}}, "times: actor_s: spread: 9 is no number from 0 to 3"),
    ({"times": {"actor_s": 0}}, "times: all are 0"),
])  # fmt: skip
def test_each_mistake_is_a_line(write, changes, told):
    with pytest.raises(InputError) as found:
        load_job(write(**changes))
    assert told in str(found.value)
    assert str(found.value).startswith(str(write()))
    assert "\n" not in str(found.value)


def test_a_file_that_is_none_is_told(tmp_path):
    with pytest.raises(InputError, match=r"job\.yaml: No such file"):
        load_job(tmp_path)


JOB = Job("j", {name: Time(1e-3) for name in TIMES}, threads=4, sms=80)


def test_speeds_and_sms_shorten_what_they_are_of():
    base, fast = demands(JOB, Setting(8, 4)), demands(JOB, Setting(8, 4, sms=160, thread_speed=2, device_speed=4))
    for name in TIMES:
        cpu = name not in ("delay_s", "device_s", "device_each_s", "learn_device_s")
        factor = 1 if name == "delay_s" else 2 if cpu else 4 if name == "device_s" else 8
        assert getattr(base, name) == pytest.approx(getattr(fast, name) * factor), name
    scaling = demands(replace(JOB, scaling=0.5), Setting(8, 4, sms=40))
    assert scaling.device_s == pytest.approx(base.device_s * 1.5)


def test_a_batch_waits_for_no_more_than_there_are():
    assert demands(replace(JOB, least=0), Setting(8, 4)).least == 8
    assert demands(replace(JOB, least=16), Setting(8, 4)).least == 8
    assert demands(replace(JOB, least=0, most=4), Setting(8, 4)).least == 4


def test_slices_are_linuxs_but_for_very_long_times():
    assert [demands(JOB, Setting(1, n)).slice_s * 1e3 for n in (1, 2, 4, 8, 64)] == pytest.approx(
        [0.7, 1.4, 2.1, 2.8, 2.8]
    )
    assert demands(scaled(JOB, {"actor_s": 1e4}), Setting(1, 8)).slice_s == pytest.approx(10 / 64)


def test_crowded_threads_are_slower():
    job = replace(JOB, crowding=0.2)
    (few, many) = settled(job, [Setting(1, 64), Setting(4096, 64)])
    assert few.actor_s < many.actor_s <= 1e-3
    assert few.actor_s == pytest.approx(1e-3 * math.exp(-0.2), rel=0.02)


@pytest.mark.parametrize(("given", "told"), [
    ({"actors": 0}, "actors: 0: give 1 to 65536"), ({"actors": 1 << 17}, "actors: 131072"),
    ({"threads": 0}, "threads: 0: give 1 to 16384"), ({"sms": -1}, "sms: -1: give 1 to 16384"),
    ({"thread_speed": 0}, "thread_speed: 0: give a number above 0"),
    ({"device_speed": math.nan}, "device_speed: nan: give a number above 0"),
])  # fmt: skip
def test_a_setting_must_be_possible(given, told):
    with pytest.raises(InputError, match=told):
        Setting(**{"actors": 1, "threads": 1} | given)
