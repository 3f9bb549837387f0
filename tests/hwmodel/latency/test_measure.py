"""One visit: warmed up, timed several at once where short, cleaned up whatever happens."""

import gc

import pytest

from hwmodel.latency.profile.measure import RUNS_LEAST, RUNS_MOST, SAMPLE_S, VISIT_S, WARM_MOST, Clock, cpu_clock, visit
from tests.hwmodel.latency.fakes import FakePrepared, Machine


def made(cost_s: float, **options):
    machine = Machine(**options)
    prepared = FakePrepared(machine, cost_s)
    return machine, prepared, lambda: visit(prepared, [], machine.clock, machine.clock.thread_ns)


@pytest.mark.parametrize("cost_s", [2e-5, 3e-4, 2e-3, 0.5])
def test_times_are_of_one_run(cost_s: float):
    machine, prepared, run = made(cost_s)
    found = run()
    assert found.wall_s == pytest.approx([cost_s] * len(found.wall_s), rel=1e-4)
    assert found.cpu_s == pytest.approx(found.wall_s, rel=1e-4)
    assert RUNS_LEAST <= len(found.wall_s) <= RUNS_MOST
    assert found.inner * cost_s >= 0.99 * SAMPLE_S
    assert len(found.wall_s) == RUNS_LEAST or sum(found.wall_s) * found.inner < 2 * VISIT_S
    assert machine.runs == found.warm_runs + found.inner * len(found.wall_s)
    assert prepared.loaded == 0


def test_warming_up_goes_on_while_runs_get_quicker():
    calm = made(1e-2)[2]().warm_runs
    warming = made(1e-2, slowness=lambda t: 1 + 2 * 2 ** (-t / 0.05))[2]()
    assert calm == 3
    assert calm < warming.warm_runs <= WARM_MOST


def test_a_failure_leaves_nothing_loaded_and_collection_on():
    _, prepared, run = made(1e-3)
    prepared.run = lambda: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        run()
    assert prepared.loaded == 0
    assert gc.isenabled()


def test_a_runtime_that_computes_on_other_threads_is_timed_by_the_process():
    machine, prepared, _ = made(1e-3)
    assert cpu_clock(prepared, [], machine.clock, 1) == "thread"
    assert cpu_clock(prepared, [], machine.clock, 2) == "process"
    idle = Clock(machine.clock.wall_ns, lambda: 0, machine.clock.process_ns, machine.clock.now_s)
    assert cpu_clock(prepared, [], idle, 1) == "process"


def test_energy_is_read_around_the_timed_runs_alone():
    machine, prepared, _ = made(2e-3)
    found = visit(prepared, [], machine.clock, machine.clock.thread_ns, lambda: 4.0 * machine.now_s)
    assert found.energy_J == pytest.approx(4.0 * sum(found.wall_s) * found.inner, rel=1e-6)
    assert found.energy_wall_s == pytest.approx(sum(found.wall_s) * found.inner, rel=1e-6)
