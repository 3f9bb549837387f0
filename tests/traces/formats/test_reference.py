"""What libCacheSim made of a trace we exported for it, beside what we make of the same stream."""

import csv
from pathlib import Path

import numpy as np
import pytest

from hwmodel.cache import CacheConfig, replay_trace
from tests.traces.streams import intervals, trace
from traces.formats import open_trace, oracle, save_trace, source

with (Path(__file__).parents[2] / "reference" / "libcachesim.csv").open() as file:
    ROWS = list(csv.DictReader(file))


def stream():
    """20,000 short reads from a linear congruential generator (Numerical Recipes' constants), half of them near 0."""
    state, rows = 1, []
    for _ in range(20_000):
        state = (1664525 * state + 1013904223) % 2**32
        near, place, count = state >> 31, state >> 8, 1 + (state >> 4) % 3
        rows.append((4096 + 32 * (place % (40 if near else 400)), 32, count, 32, False, 0, 0))
    return trace(intervals(rows))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "a.oracleGeneral"
    save_trace(stream(), path)
    return path


def farthest(path, objects):
    """The misses of a cache that evicts what is asked for last, by the times the file tells."""
    held: dict[int, int] = {}
    misses = 0
    for record in np.concatenate(list(source.records(path, oracle.RECORD, "requests"))):
        name, then = int(record["obj_id"]), int(record["next_access_vtime"])
        if name not in held:
            misses += 1
            if len(held) == objects:
                del held[max(held, key=lambda one: held[one])]
        held[name] = then if then > 0 else 2**63
    return misses


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['policy']}-{row['objects']}")
def test_libcachesim_counts_the_same_misses(exported, row):
    objects = int(row["objects"])
    if row["policy"] == "LRU":
        config = CacheConfig(32 * objects, ways=objects, line=32, index="modulo", sector=32)
        misses = int(replay_trace(open_trace(exported), config)["read_misses"][0])
    else:
        misses = farthest(exported, objects)
    assert misses == int(row["misses"])
