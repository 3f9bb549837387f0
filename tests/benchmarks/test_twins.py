"""What benchmarks/replay/twins.py counts: examples that held, twins run for them, combinations met."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.replay import twins
from benchmarks.replay.drawn import CACHES, LEVELS, cache_class, level_classes, possible, together
from hwmodel.cache import CacheConfig
from hwmodel.cache.hierarchy import Hierarchy, Level

ROOT = Path(__file__).parents[2]
PROPERTIES = """
from hypothesis import assume, given, settings, strategies as st
from hwmodel.cache import CacheConfig
from tests.naive.cache import Cache

@settings(max_examples=40, database=None)
@given(ways=st.integers(1, 4))
def test_holds(ways):
    assume(ways > 1)
    Cache(CacheConfig(ways * 128, ways, wear=True))

@settings(database=None)
@given(number=st.integers(0, 50))
def test_fails(number):
    Cache(CacheConfig("1MiB", 64))
    assert number < 7

def test_is_no_property():
    Cache(CacheConfig("1MiB", 1))
"""
RUN = """
import pytest, sys
from benchmarks.replay import twins
from benchmarks.replay.drawn import Watch
watch = Watch()
pytest.main([sys.argv[1], "-c", "/dev/null", "--hypothesis-seed=3", "-p", "no:cacheprovider"], plugins=[watch])
print(sorted((name.split("::")[1], number) for name, number in watch.examples.items()))
print(sorted({(key[6], key[8]) for key in watch.caches}), [name.split("::")[1] for name in watch.failures])
print("number=7," in "".join(watch.failures.values()))
"""


def test_a_round_counts_what_held_and_keeps_what_did_not(tmp_path):
    (tmp_path / "test_properties.py").write_text(PROPERTIES)
    (tmp_path / "run.py").write_text(RUN)
    done = subprocess.run(
        [sys.executable, tmp_path / "run.py", tmp_path / "test_properties.py"], cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    examples, drawn, smallest = done.stdout.splitlines()[-3:]
    assert "('test_holds', 3)" in examples  # there are no more
    assert "is_no_property" not in examples
    assert drawn.endswith("['test_fails']")
    assert "('2-16', True)" in drawn
    assert "('1', " not in drawn
    assert smallest == "True"


def test_choices_are_those_of_the_models():
    machine = Hierarchy([Level(CacheConfig("8KiB", 4, write="through"), 2), Level(CacheConfig("64KiB", sector=32))])
    keys = list(level_classes(machine))
    assert keys[0] == (2, 1, "neither", "lru", "through", "fetch", 0, 128, "more")
    assert keys[1] == (2, 2, "neither", "lru", "back", "validate", 32, 128, "one")
    assert cache_class(CacheConfig("99KiB", 33, slices=3))[6:] == ("33-64", "more", False)
    for key in keys:
        assert all(value in kinds for value, kinds in zip(key, LEVELS.values(), strict=True))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [({"policy": "lru"}, True), ({"level": 2}, True), ({"levels": 1, "level": 2}, False), ({"levels": 1}, True),
     ({"level": 1, "holds": "inclusive"}, False), ({"levels": 1, "holds": "exclusive"}, False),
     ({"holds": "exclusive", "write": "through"}, False), ({"holds": "exclusive", "write": "back"}, True)],
)  # fmt: skip
def test_levels_that_can_be(choice, expected):
    assert possible(choice) == expected


def test_combinations_are_counted():
    key = cache_class(CacheConfig("64KiB"))
    alone = together(Counter({key: 5}), CACHES, 1)
    assert (alone["possible"], alone["met"], alone["least"]) == (sum(map(len, CACHES.values())), len(CACHES), 0)
    every = Counter({(policy, *key[1:]): 3 for policy in CACHES["policy"]})
    assert together(every, {"policy": CACHES["policy"]}, 1) | {"least_met": ""} == {
        "together": 1, "possible": 6, "met": 6, "least": 3, "least_met": ""
    }  # fmt: skip


def test_a_run_goes_on_from_its_log_and_leaves_other_code_out(tmp_path):
    one = {
        "code": twins.digest(), "seed": 1, "examples": {"a": 30, "b": 20}, "hybrids": 2, "failures": {},
        "caches": [[*cache_class(CacheConfig("64KiB")), 40]], "levels": [],
    }  # fmt: skip
    rounds = [one, one | {"code": "another"}, one | {"seed": 2}]
    (tmp_path / "log").write_text("".join(json.dumps(entry) + "\n" for entry in rounds))
    found = twins.rounds(100, 1, tmp_path / "log")
    assert [entry["seed"] for entry in found] == [1, 2]
    document = twins.report(found)
    assert (document["examples"], document["failures"], document["caches"], document["hybrid_caches"]) == (
        100,
        0,
        80,
        4,
    )
    assert document["properties"] == {"a": 60, "b": 40}
    assert document["caches_by_choice"]["policy"] == {"lru": 80}
