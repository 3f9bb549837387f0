"""The banks' recurrence, access by access, against events in a heap."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.cache import banks
from tests.naive.banks import Access, Machine, Simulation

LINE_BITS, UNIT_BITS = 7, 5

machines = st.builds(
    Machine,
    banks=st.sampled_from([1, 1, 2, 3, 4, 7]),
    read=st.integers(1, 12),
    read_cycle=st.integers(1, 12),
    write=st.integers(1, 30),
    write_cycle=st.integers(1, 30),
    outstanding=st.sampled_from([1, 2, 3, 8, 30, 1000]),
    depth=st.sampled_from([0, 1, 2, 3, 8]),
    interval=st.sampled_from([0, 0, 1, 2, 5, 9]),
    tag=st.integers(0, 4),
    dram=st.integers(0, 60),
    dram_sector=st.sampled_from([0, 1, 3, 10]),
    forwards=st.booleans(),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Access]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, lines = draw(st.integers(0, 250)), draw(st.sampled_from([1, 3, 40, 5000]))
    gap = draw(st.sampled_from([0, 0, 3, 20]))
    writes, misses, victims = (draw(st.sampled_from([0, 0.1, 0.5, 1])) for _ in range(3))
    given = np.cumsum(rng.integers(0, gap + 1, count)) * (gap > 0)
    out = []
    for time in given.tolist():
        line, sector = int(rng.integers(lines)), int(rng.integers(4))
        missed = rng.random() < misses
        fetched = int(rng.integers(1, 5)) if missed else 0
        written = int(rng.integers(1, 5)) if missed and rng.random() < victims else 0
        if missed and rng.random() < 0.2:  # a write that fetches nothing, its victim written back
            fetched = 0
        out.append(Access(line, 4 * line + sector, bool(rng.random() < writes), fetched, written, time))
    # DRAM's pipe keeps fills in order where all fetch alike, as in any one cache.
    alike = draw(st.sampled_from([1, 4]))
    return [Access(a.line, a.unit, a.write, alike if a.fetched else 0, a.written, a.given) for a in out]


def figures_of(machine: Machine) -> np.ndarray:
    out = np.zeros(banks.FIGURES, np.int64)
    out[[banks.READ, banks.READ_CYCLE, banks.WRITE, banks.WRITE_CYCLE]] = (
        machine.read, machine.read_cycle, machine.write, machine.write_cycle)  # fmt: skip
    out[[banks.TAG, banks.DEPTH, banks.INTERVAL, banks.OUTSTANDING]] = (
        machine.tag, machine.depth, machine.interval, machine.outstanding)  # fmt: skip
    out[[banks.DRAM, banks.DRAM_SECTOR, banks.UNIT_BITS, banks.LINE_BITS]] = (
        machine.dram, machine.dram_sector, UNIT_BITS, LINE_BITS)  # fmt: skip
    out[banks.FORWARDS] = machine.forwards and machine.depth > 0
    return out


def serve(
    machine: Machine, stream: list[Access], cuts: tuple[int, ...] = ()
) -> tuple[list[int], list[int], banks.Banks]:
    figures, state = figures_of(machine), banks.Banks.idle(machine.banks, machine.outstanding)
    issued, done = np.zeros(len(stream), np.int64), np.zeros(len(stream), np.int64)
    columns = [
        np.array([a.unit << UNIT_BITS for a in stream], np.uint64), np.array([a.write for a in stream], np.bool_),
        np.array([a.fetched for a in stream], np.uint8), np.array([a.written for a in stream], np.uint8),
        np.array([a.given for a in stream], np.int64)]  # fmt: skip
    bounds = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    for start, stop in pairwise(bounds):
        part = slice(start, stop)
        state = banks.serve(*(column[part] for column in columns), figures, state, issued[part], done[part])
    banks.finish(figures, state)
    return issued.tolist(), done.tolist(), state


@settings(max_examples=240, deadline=None)
@given(machine=machines, stream=streams(), cuts=st.tuples(st.integers(0, 250), st.integers(0, 250)))
def test_every_access_is_issued_and_done_when_the_twin_says(machine, stream, cuts):
    twin = Simulation(machine, stream)
    issued, done, state = serve(machine, stream, cuts)
    assert issued == twin.issued
    assert done == [twin.done[number] for number in range(len(stream))]
    assert state.busy.tolist() == [bank.busy for bank in twin.banks]
    assert int(state.counts[banks.MERGED]) == twin.merged
    assert int(state.counts[banks.FORWARDED]) == twin.forwarded
    assert int(state.clock[banks.LAST]) == twin.end


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**62 - 1) | st.integers(0, 2**52))
def test_a_latency_falls_in_its_bin(time):
    bounds = banks.bin_bounds()
    machine = Machine(1, max(time, 1), 1, 1, 1, 1)
    _, _, state = serve(machine, [Access(0, 0, False)])
    (place,) = np.flatnonzero(state.bins)
    assert bounds[place] <= machine.read < bounds[place + 1] or time >= 2**53  # where a float rounds it up
    assert bounds[place + 1] - bounds[place] <= max(1, machine.read / 2**banks.FINE)
