"""Unrolls: whatever the order in which environments come, each one's own story is cut at the right places."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workloads.rl.unrolls import Unrolls


@given(st.integers(1, 6), st.integers(0, 5), st.lists(st.sets(st.integers(0, 2), min_size=1), min_size=1, max_size=30))
def test_each_environments_story_is_cut_as_it_was_told(length, overlap, batches):
    overlap = min(overlap, length - 1)
    unrolls = Unrolls(3, length, (1,), "float32", {"note": (2,)}, overlap)
    told, found = dict.fromkeys(range(3), 0), {row: [] for row in range(3)}
    for batch in batches:
        rows = np.array(sorted(batch, reverse=True))
        time = np.array([told[row] for row in rows])
        mark = (rows * 100 + time).astype(np.float32)
        # the step that led to observation t is marked t - 1 + 0.5, the one that leads away t
        done = unrolls.add(
            rows,
            mark[:, None],
            mark - 0.5,
            (time % 3).astype(np.uint8),
            mark.astype(int),
            {"note": np.stack([mark, -mark], 1)},
        )
        for unroll in done:
            found[int(unroll["observation"][0, 0]) // 100].append(unroll)
        for row in rows:
            told[row] += 1
    for row, cut in found.items():
        stride = length - overlap
        assert len(cut) == max(0, (told[row] - 1 - overlap) // stride)
        for number, unroll in enumerate(cut):
            time = number * stride + np.arange(length)
            assert unroll["observation"][:, 0].tolist() == [row * 100 + t for t in (*time, time[-1] + 1)]
            assert unroll["action"].tolist() == (row * 100 + time).tolist()
            assert unroll["reward"].tolist() == (row * 100 + time + 0.5).tolist()
            assert unroll["ended"].tolist() == ((time + 1) % 3).tolist()
            assert unroll["note"].tolist() == [[row * 100 + t, -row * 100 - t] for t in time]
