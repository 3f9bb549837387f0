"""How a kernel's stream is cut: steps beside their twin, windows beside what a grid of blocks does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodel.cache import waves
from tests.hwmodel.test_cache_laws import intervals
from tests.naive.waves import steps
from traces.stream import Intervals

ROUND = 9  # steps after which a wave of these tests comes round


def steps_of(batch: Intervals) -> np.ndarray:
    out = np.empty((len(batch.base), waves.COLUMNS), np.int64)
    return out[: int(waves.steps(*batch[:6], out))]


def windows_of(batch: Intervals, unit: int = 32) -> np.ndarray:
    out = np.empty((len(batch.base), waves.COLUMNS), np.int64)
    return out[: int(waves.windows(steps_of(batch), len(steps_of(batch)), unit, waves.started(), out))]


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 1 << 20), st.integers(-64, 512), st.integers(1, 3), st.integers(1, 1 << 16), st.booleans(),
            st.integers(0, 2), st.just(0),
        ),
        min_size=1,
        max_size=40,
    )
)  # fmt: skip
def test_steps_equal_the_twin(rows):
    rows = [(base + 1024, *rest) for base, *rest in rows]
    found = steps_of(intervals(*rows))
    names = {"first": waves.FIRST, "reads": waves.READS, "writes": waves.WRITES, "base": waves.BASE,
             "tensor": waves.TENSOR, "wave": waves.WAVE}  # fmt: skip
    expected = steps([row[:6] for row in rows], waves.LEAST_STEP, waves.LONG_STEP)
    assert [{name: int(step[column]) for name, column in names.items()} for step in found] == expected


def grid(count: int, rounds: int) -> list[tuple]:
    """Waves of 16 blocks that read nine places of each slab of their 128 rows, and store a tile each."""
    rows = []
    for wave in range(count):
        for step in range(rounds * ROUND):
            slab, place = divmod(step, ROUND)
            for block in range(16):
                at = (wave * 16 + block) << 20
                rows.append((at + slab * 32 + place % 3 * 4096 + place // 3 * (1 << 16), 4096, 128, 32, False, 0, 0))
                rows.append(((1 << 40) + step * 32, 1 << 12, 128, 32, False, 1, 0))
        rows += [((1 << 41) + ((wave * 16 + block) << 16), 0, 1, 1 << 16, True, 2, 0) for block in range(16)]
    return rows


def test_a_long_wave_is_cut_where_its_steps_come_round():
    found = windows_of(intervals(*grid(2, 16)))
    reads = 16 * 256 * ROUND  # of a round
    cut = found[found[:, waves.WRITES] == 0]
    assert len(cut) > 8
    assert (cut[:, waves.READS] % reads == 0).all()
    assert (cut[:, waves.READS] >= waves.LEAST).all()
    assert found[:, waves.HEAD].sum() == 2
    assert (np.diff(found[:, waves.FIRST]) > 0).all()


def test_windows_hold_all_there_is():
    batch = intervals(*grid(3, 8))
    found, whole = windows_of(batch), steps_of(batch)
    for column in (waves.READS, waves.WRITES, waves.MIX):
        assert found[:, column].sum() == whole[:, column].sum()
    assert found[0, waves.FIRST] == 0


def test_another_pass_begins_where_waves_fall_back_to_the_first():
    once = grid(6, 1)
    found = windows_of(intervals(*once, *once))
    assert set(found[:, waves.PASS].tolist()) == {0, 1}
    assert set(windows_of(intervals(*once))[:, waves.PASS].tolist()) == {0}
