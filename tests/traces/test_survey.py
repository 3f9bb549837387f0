"""Checking and counting intervals, against the twin that walks them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import intervals as naive
from tests.traces.streams import intervals, lists, rows, trace
from traces.errors import InputError
from traces.survey import Survey, count, differences, sums

NARROW = lists.map(lambda found: [row for row in found if row[3] <= 200])
GOOD = (64, 32, 4, 32, False, 0, 0)


@given(NARROW, st.sampled_from([16, 32, 64]))
def test_counts_are_those_of_the_twin(found, sector):
    survey = Survey(2, 2, sector)
    survey.add(intervals(found))
    totals = survey.totals()
    for kernel in range(2):
        mine = [row for row in found if row[6] == kernel]
        assert totals.intervals[kernel] == len(mine)
        for write, counted in ((False, totals.sectors_read), (True, totals.sectors_written)):
            assert counted[kernel] == sum(len(naive.sectors(*row[:4], sector)) for row in mine if row[4] is write)


@given(st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(1, 2**32 - 1), st.integers(1, 2**20))
def test_an_interval_fits_where_the_twin_says_so(base, stride, count, width):
    survey = Survey(1, 1, 32)
    batch = intervals([(base, stride, count, width, False, 0, 0)])
    if naive.fits(base, stride, count, width) and count * (width // 32 + 2) <= 2**40:
        survey.add(batch)
    else:
        with pytest.raises(InputError):
            survey.add(batch)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({2: 0}, "has no rows"),
        ({3: 0}, "rows without bytes"),
        ({5: 2}, "tensor"),
        ({6: 2}, "kernel"),
        ({0: 2**64 - 1}, "2\\*\\*64"),
        ({1: -64}, "below address 0"),
        ({0: 2**62, 1: 0, 2: 2**32 - 1, 3: 2**32 - 1}, "sectors"),
    ],
)
def test_an_interval_that_cannot_be_is_named(change, words):
    row = tuple(change.get(place, value) for place, value in enumerate(GOOD))
    with pytest.raises(InputError, match=words):
        Survey(2, 2, 32).add(intervals([GOOD, row]))


def test_columns_of_other_types_are_refused():
    batch = intervals([GOOD])
    with pytest.raises(InputError, match="column rows"):
        Survey(2, 2, 32).add(batch._replace(rows=batch.rows.astype(np.int64)))
    with pytest.raises(InputError, match="column width"):
        Survey(2, 2, 32).add(batch._replace(width=np.ones(2, np.uint32)))


@given(st.lists(rows(), min_size=1))
def test_differences_are_those_of_the_twin_and_sums_undo_them(found):
    batch = intervals(found)
    delta = differences(batch.base, batch.tensor, 2)
    assert delta.tolist() == naive.differences(batch.base.tolist(), batch.tensor.tolist())
    assert np.array_equal(sums(delta, batch.tensor, 2), batch.base)


@given(lists, lists)
def test_a_trace_is_counted_batch_by_batch(first, second):
    whole = count(trace(intervals(first + second)))
    assert count(trace(intervals(first), intervals(second))) == whole
