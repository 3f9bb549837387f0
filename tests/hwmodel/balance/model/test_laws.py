"""Laws of a job's flow: what is conserved, what bounds it, what it is in the limits, and what is not so."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.balance.model.demands import Demands, Flow, columns
from hwmodel.balance.model.fixed_point import flows, solve
from hwmodel.balance.model.simulate import run, simulate, typed
from tests.hwmodel.balance.model.settings import TIMES, at_random, demands, setting

REQUESTS = 3000


def flow_of(asked: Demands) -> Flow:
    (found,) = flows([asked])
    return found


BOTH = pytest.mark.parametrize("flow", [pytest.param(lambda d: simulate(d, REQUESTS), id="simulation"),
                                        pytest.param(flow_of, id="fixed point")])  # fmt: skip


def conserved(d: Demands, flow: Flow, near: float) -> None:
    """Assert that times add up; what begins before the window and ends in it leaves a small difference."""
    batches = flow.requests_per_s / flow.batch
    expected = {
        "actor_cores": flow.requests_per_s * d.actor_s,
        "server_cores": batches * d.server_cpu_s(flow.batch),
        "device_serve": batches * (d.device_s + flow.batch * d.device_each_s),
        "learner_cores": flow.steps_per_s * d.learn_cpu_s,
        "device_learn": flow.steps_per_s * d.learn_device_s,
    }
    for name, value in expected.items():
        assert getattr(flow, name) == pytest.approx(value, rel=near, abs=near), name
    if d.learn_every:
        assert flow.steps_per_s * d.learn_every == pytest.approx(flow.requests_per_s, rel=near)
    at_work = flow.requests_per_s * (flow.queue_s + d.delay_s) + flow.actor_cores + flow.actor_wait
    assert at_work == pytest.approx(d.actors, rel=near)  # Little's law


@settings(max_examples=30)
@given(demands())
def test_the_simulation_loses_no_time_and_no_request(asked):
    conserved(asked, simulate(asked, REQUESTS), 0.05)


def test_the_closed_form_loses_no_time_and_no_request():
    for asked in at_random(100):
        conserved(asked, flow_of(asked), 1e-3)


@settings(max_examples=30)
@given(demands())
def test_nothing_is_busy_beyond_what_there_is(asked):
    found = simulate(asked, REQUESTS)
    assert found.actor_cores + found.server_cores + found.learner_cores <= asked.threads * (1 + 1e-9)
    assert found.device_serve + found.device_learn <= 1 + 1e-9
    assert found.batch <= min(asked.actors, asked.most) * (1 + 1e-9)
    cycle = asked.actor_s + asked.delay_s + asked.serve_s(1)
    assert found.requests_per_s <= asked.actors / cycle * (1 + 0.02)
    assert min(found) >= 0


@settings(max_examples=20)
@given(demands(), st.sampled_from([0.25, 2.0, 1024.0]))
def test_time_has_no_scale_of_its_own(asked, factor):
    longer = asked._replace(**{name: getattr(asked, name) * factor for name in (*TIMES, "slice_s")})
    pool, times = (
        np.array([0.5, 1.5, 1.0, 0.75]),
        np.array([1 if name in Flow._fields[1:9] else factor for name in Flow._fields]),
    )
    times[0] = times[10] = 1 / factor
    np.testing.assert_allclose(run(typed(longer), pool, 300), run(typed(asked), pool, 300) * times, rtol=1e-6)


@BOTH
@pytest.mark.parametrize("threads", [1, 4])
def test_one_actor_goes_through_its_cycle(flow, threads):
    asked = setting(threads=threads, delay_s=3e-4, gather_s=1e-4, gather_each_s=2e-5, device_s=5e-4, device_each_s=1e-4,
                    reply_s=3e-5, reply_each_s=1e-5)  # fmt: skip
    found = flow(asked)
    cycle = 1e-3 + 3e-4 + 1e-4 + 2e-5 + 5e-4 + 1e-4 + 3e-5 + 1e-5
    assert found.requests_per_s == pytest.approx(1 / cycle, rel=1e-3)
    assert found.queue_s == pytest.approx(cycle - 1.3e-3, rel=1e-3)
    assert found.batch == pytest.approx(1)


@BOTH
@pytest.mark.parametrize("actors", [1, 7, 64, 4096])
def test_without_a_server_each_actor_goes_on_by_itself(flow, actors):
    assert flow(setting(actors=actors, threads=4096)).requests_per_s == pytest.approx(actors / 1e-3, rel=0.01)


@BOTH
@pytest.mark.parametrize("threads", [1, 3, 16])
def test_many_actors_keep_all_threads_busy(flow, threads):
    asked = setting(actors=threads * 16, threads=threads, actor_s=2e-3, gather_each_s=1e-5)
    assert flow(asked).requests_per_s == pytest.approx(threads / 2.01e-3, rel=0.05)


@BOTH
@pytest.mark.parametrize("threads", [1, 3, 16])
def test_what_is_not_the_cpus_takes_no_thread(flow, threads):
    asked = setting(actors=threads * 64, threads=threads, actor_s=1e-3, delay_s=9e-3, gather_each_s=1e-6)
    assert flow(asked).requests_per_s == pytest.approx(threads / 1e-3, rel=0.05)


@BOTH
def test_the_device_gives_no_more_than_full_batches(flow):
    asked = setting(actors=64, threads=64, actor_s=1e-4, device_s=1e-3, device_each_s=2e-4, most=8)
    assert flow(asked).requests_per_s == pytest.approx(8 / (1e-3 + 8 * 2e-4), rel=0.02)


@BOTH
@pytest.mark.parametrize("ahead", [1.0, 2.0])
def test_a_slow_learner_sets_the_pace(flow, ahead):
    asked = setting(actors=8, threads=16, device_s=1e-4, learn_every=16, learn_cpu_s=1e-2, learn_device_s=4e-2, turns=1,
                    ahead=ahead)  # fmt: skip
    assert flow(asked).requests_per_s == pytest.approx(16 / 5e-2, rel=0.02)


@pytest.mark.parametrize(("learn_s", "rate"), [(4e-4, 4 / 1.5e-3), (1e-3, 4 / 1.5e-3), (5e-3, 4 / 5.5e-3)])
def test_in_lockstep_all_wait_for_all(learn_s, rate):
    """Actors compute while the learner takes its step; the batch waits for both."""
    asked = setting(actors=4, threads=8, device_s=5e-4, learn_every=4, learn_cpu_s=learn_s, ahead=0, least=4)
    assert simulate(asked, REQUESTS).requests_per_s == pytest.approx(rate, rel=1e-3)


def test_in_lockstep_on_few_threads_actors_come_in_rounds():
    asked = setting(actors=9, threads=4, device_s=5e-4, least=9)
    assert simulate(asked, REQUESTS).requests_per_s == pytest.approx(9 / (3e-3 + 5e-4), rel=1e-3)
    assert flow_of(asked).requests_per_s == pytest.approx(9 / (3e-3 + 5e-4), rel=0.25)


def test_a_device_is_shared_by_halves_or_in_turns():
    both = setting(threads=4, actor_s=1e-9, device_s=1e-3, learn_every=1, learn_device_s=1e-3)
    for turns in (0, 1):
        found = simulate(both._replace(turns=turns), REQUESTS)
        assert found.device_serve + found.device_learn == pytest.approx(1, rel=0.01)
        assert found.requests_per_s == pytest.approx(500, rel=0.01)


def test_a_batch_that_can_never_be_full_is_waited_for_no_more():
    assert simulate(setting(actors=2, least=3), 100).requests_per_s == 0


def test_more_of_anything_brings_no_less_but_for_a_few_percent():
    """A server that takes what waits is not the best possible one: where more comes sooner, batches may be smaller."""
    for asked in at_random(60, seed=7, learner=False):
        asked = asked._replace(actors=min(asked.actors, 24))
        rate = simulate(asked, 2000, cv=0.3).requests_per_s
        for more in ({"threads": asked.threads + 1}, {"actors": asked.actors + 1}, {"actor_s": 0.8 * asked.actor_s}):
            assert simulate(asked._replace(**more), 2000, cv=0.3).requests_per_s > 0.95 * rate


def test_one_more_actor_may_be_one_too_many():
    asked = setting(actors=24, threads=4, actor_s=3.1e-4, gather_s=7.2e-4, gather_each_s=1.2e-5, reply_s=1.3e-5,
                    reply_each_s=1.3e-5, slice_s=2.1e-3)  # fmt: skip
    rates = [simulate(asked._replace(actors=n), 12_000, cv=0.3).requests_per_s for n in (24, 25)]
    assert rates[1] < rates[0]


def test_steps_that_are_seldom_are_simulated_whole():
    """In lockstep every 20,000 requests wait for a step of a second."""
    asked = setting(actors=2, threads=4, learn_every=20_000, learn_cpu_s=1.0, ahead=0, least=2)
    assert simulate(asked).requests_per_s == pytest.approx(20_000 / (10 + 1), rel=1e-3)


@pytest.mark.parametrize(("actors", "threads"), list(itertools.product((1, 4, 4096), (1, 4096))))
def test_extreme_settings_give_finite_figures(actors, threads):
    wide = [
        setting(),
        setting(actor_s=0.0, device_s=1e-3),
        setting(actor_s=1e-12),
        setting(actor_s=1.0, slice_s=1 / 64),
        setting(actor_s=0.0, gather_s=1e-3),
        setting(actor_s=0.0, delay_s=1e-2),
        setting(least=4096, device_s=1e-3),
        setting(most=1, device_s=1e-7),
        setting(learn_every=actors / 64, learn_cpu_s=1e-6),
        setting(learn_every=1e12, learn_device_s=1e3, device_s=1e-3),
        setting(learn_every=1, learn_device_s=10.0, device_s=1e-9, ahead=0),
        setting(learn_every=1, learn_cpu_s=10.0, ahead=0),
    ]
    asked = [d._replace(actors=actors, threads=threads, turns=actors % 2, least=min(d.least, actors)) for d in wide]
    for d, closed in zip(asked, solve(columns(asked)), strict=True):
        simulated = run(typed(d), np.array([0.7, 1.3]), 100)
        for row in (closed, simulated):
            assert np.all(np.isfinite(row)), d
            assert np.all(row >= 0), d
        assert closed[0] > 0


def test_the_closed_form_is_near_the_simulation():
    asked = at_random(60, seed=2)
    simulated = [simulate(d, int(max(3000, 40 * d.learn_every)), cv=0.3).requests_per_s for d in asked]
    off = np.abs(np.log(solve(columns(asked))[:, 0] / simulated))
    assert np.median(off) < 0.03
    assert np.quantile(off, 0.9) < 0.2
    assert off.max() < 0.7


def test_the_closed_form_is_near_the_simulation_in_lockstep():
    asked = [d._replace(least=d.actors, ahead=0.0) for d in at_random(60, seed=3)]
    simulated = [simulate(d, 1000, cv=0.3).requests_per_s for d in asked]
    off = np.abs(np.log(solve(columns(asked))[:, 0] / simulated))
    assert np.median(off) < 0.1
    assert np.quantile(off, 0.9) < 0.3


def test_actors_that_vary_are_drawn_alike_from_one_seed():
    asked = setting(actors=5, threads=2, device_s=1e-3)
    assert simulate(asked, 1000, 0.5, seed=3) == simulate(asked, 1000, 0.5, seed=3)
    assert simulate(asked, 1000, 0.5, seed=3) != simulate(asked, 1000, 0.5, seed=4)
    assert simulate(asked, 1000, 0.0, seed=3) == simulate(asked, 1000, 0.0, seed=4)


def test_a_longer_simulation_says_the_same():
    for asked in at_random(10, seed=5, learner=False):
        short, long = (simulate(asked, requests, cv=0.3).requests_per_s for requests in (4000, 16_000))
        assert short == pytest.approx(long, rel=0.05)
