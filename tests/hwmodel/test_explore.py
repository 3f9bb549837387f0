"""A search over a small space whose front is known, its resumption, and the parts that it is made of."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.studies import runner as runner_module
from hwmodel.studies.engines import find_engine
from hwmodel.studies.evolution import Evolution
from hwmodel.studies.explore import prepare, proposer_of
from hwmodel.studies.folder import save
from hwmodel.studies.objectives import YEAR_S, charges
from hwmodel.studies.pareto import front, hypervolume, share
from hwmodel.studies.process import Process, unlikelihood
from hwmodel.studies.questions import Results, run
from hwmodel.studies.runner import Runner
from hwmodel.studies.search import Random, distances
from hwmodel.studies.space import FACTORS, Design, Space
from hwmodel.studies.spec import Explore, make_spec
from hwmodel.studies.store import Store
from hwmodel.studies.surrogate import Surrogate
from tests.hwmodel.test_studies import NETWORK, assert_refused, folder, hwmodel  # noqa: F401  (a fixture)
from traces.errors import InputError as TraceError

SPACE = {
    "study": "explore", "networks": ["explored:small"], "phases": {"inference": 2, "training": 4},
    "cells": ["sram", "stt", "reram"], "capacities": ["32KiB", "64KiB"], "ways": [4], "sram_ways": [0, 1],
    "objectives": ["delay", "energy", "area", "endurance"],
}  # fmt: skip
DESIGNS = 2 + 2 * 2 * 2  # SRAM at two capacities; two other cells, with and without a way of SRAM


def searched(store: Path, **given: object) -> Results:
    with Store(store) as kept:
        return run(make_spec(SPACE | given), Runner(kept))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory):
    """The whole space, computed; and its store."""
    place = tmp_path_factory.mktemp("explored")
    (place / "explored.py").write_text(NETWORK)
    sys.path.insert(0, str(place))
    yield searched(place / "store", budget=DESIGNS, search="random"), place / "store"
    sys.path.remove(str(place))
    sys.modules.pop("explored", None)


def keyed(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["cell", "capacity_bytes", "sram_ways"]
    return table.set_index(keys).sort_index()


@pytest.mark.parametrize("search", ["surrogate", "evolution"])
def test_a_full_budget_finds_the_front(known, search):
    whole, store = known
    found = searched(store, budget=DESIGNS, search=search, population=3)
    assert len(found.results) == DESIGNS
    pd.testing.assert_frame_equal(
        keyed(found.results).drop(columns="generation"), keyed(whole.results).drop(columns="generation")
    )
    pd.testing.assert_frame_equal(found.summary, whole.summary)
    assert found.more["progress"]["evaluations"].tolist() == [3, 6, 9, 10]
    assert found.more["progress"]["hypervolume"].is_monotonic_increasing


def test_the_front_is_what_none_beats(known):
    results = known[0].results
    years = results["lifetime_years"].fillna(np.inf).clip(upper=100)
    rows = np.stack([results["time_s"], results["energy_J"], results["area_m2"], -years], axis=1)
    beaten = [any((other <= row).all() and (other < row).any() for other in rows) for row in rows]
    assert results["on_front"].tolist() == [not one for one in beaten]
    assert 0 < results["on_front"].sum() < DESIGNS


def test_a_lifetime_is_endurance_over_the_most_written_slot(known):
    results, traffic = known[0].results, known[0].traffic
    for row in results.itertuples():
        here = traffic[(traffic["capacity_bytes"] == row.capacity_bytes) & (traffic["sram_ways"] == row.sram_ways)]
        most = here["most_written"].dropna().groupby(here["phase"]).max().sum()
        if row.cell == "reram":
            assert row.lifetime_years == pytest.approx(1e4 * row.time_s / most / YEAR_S, rel=1e-12)
        else:
            assert np.isnan(row.lifetime_years)
    lives = results[results["cell"] == "reram"].set_index(["capacity_bytes", "sram_ways"])["lifetime_years"]
    assert lives[65536, 0] > lives[32768, 0]


def test_runs_apart_live_longer(known):
    whole, store = known
    seldom = searched(store, budget=DESIGNS, runs_per_s=1.0, search="random")
    years = seldom.results["lifetime_years"] / whole.results["lifetime_years"] * whole.results["time_s"]
    assert years.dropna().to_numpy() == pytest.approx(1.0)


def test_workloads_may_be_taken_as_a_mean(known):
    whole, store = known
    mean = searched(store, budget=DESIGNS, over="geometric", search="random").results
    assert (mean["time_s"] < whole.results["time_s"] / 2).all()  # of two that differ
    assert mean["edp_Js"].to_numpy() == pytest.approx((mean["time_s"] * mean["energy_J"]).to_numpy())


@pytest.mark.parametrize("search", ["surrogate", "evolution"])
def test_what_is_interrupted_goes_on_to_the_bit(known, search, tmp_path, monkeypatch):
    _, store = known
    asked = {"budget": 7, "population": 3, "search": search, "seed": 5}
    save(searched(store, **asked), whole := made(tmp_path / "whole"))
    done = 0

    def cut(jobs, workers, advance, keep):
        def kept(position, result):
            nonlocal done
            keep(position, result)
            done += 1
            if done % 5 == 0:
                raise KeyboardInterrupt

        return find_engine("processes")(jobs, workers, advance, kept)

    monkeypatch.setattr(runner_module, "find_engine", lambda _: cut)
    for _ in range(50):
        try:
            again = searched(tmp_path / "store", **asked)
            break
        except KeyboardInterrupt:
            continue
    else:
        pytest.fail("it never ends")
    assert done > 10  # so it was cut off more than twice
    save(again, here := made(tmp_path / "again"))
    for name in ("results", "summary", "progress", "caches", "traffic"):
        assert (here / f"{name}.csv").read_bytes() == (whole / f"{name}.csv").read_bytes()


def made(place: Path) -> Path:
    place.mkdir()
    return place


def test_the_command_writes_its_tables(folder):  # noqa: F811
    done = hwmodel(
        folder, "study", "explore", "--networks", "mynet:small", "--phases", "inference:2", "--cells", "sram,stt",
        "--capacities", "32KiB,64KiB", "--ways", "4", "--sram-ways", "0", "--objectives", "edp,area,yield",
        "--dies", "2", "--budget", "3", "--population", "2", "--store", "store", "-o", "out", "--jobs", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = pd.read_csv(folder / "out" / "results.csv")
    assert len(results) == 3
    assert results["yield"].between(0, 1).all()
    assert pd.read_csv(folder / "out" / "progress.csv")["evaluations"].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cells": []}, ("cells",)),
        ({"nodes": []}, ("nodes",)),
        ({"sram_ways": []}, ("sram_ways",)),
        ({"objectives": []}, ("objectives",)),
        ({"objectives": ["speed"]}, ("objectives", "speed", "delay")),
        ({"objectives": ["area", "area"]}, ("'area' is given twice",)),
        ({"budget": 0}, ("budget 0",)),
        ({"budget": DESIGNS + 1}, (f"budget {DESIGNS + 1}", f"{DESIGNS} designs")),
        ({"sram_ways": [0, 4], "budget": 2}, ("sram_ways 4 is of no design",)),
        ({"cells": ["sram"], "sram_ways": [1], "budget": 1}, ("is of no design",)),
        ({"cells": ["sram", "stt"], "budget": 2}, ("no endurance is given of sram, stt",)),
        ({"objectives": ["yield"], "budget": 2}, ("yield", "sram_ways 0")),
        ({"capacities": ["33KiB"], "ways": [4, 16], "budget": 2}, ("33",)),
        ({"capacities": ["0"]}, ("capacities '0'",)),
        ({"lines": [100], "budget": 2}, ("line 100",)),
        ({"nodes": ["11nm"], "budget": 2}, ("11nm",)),
        ({"gpus": ["voodoo2"], "budget": 2}, ("voodoo2",)),
        ({"search": "luck"}, ("search",)),
        ({"population": 1}, ("population",)),
    ],
)
def test_one_line_says_what_is_wrong(known, given, words):
    with pytest.raises((InputError, TraceError)) as caught:
        prepare(make_spec(SPACE | given))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_mistake_on_the_command_line_leaves_nothing(folder):  # noqa: F811
    command = ("study", "explore", "--networks", "mynet:small", "-o", "out")
    assert_refused(hwmodel(folder, *command, "--budget", "100000"), "budget 100000")
    assert_refused(hwmodel(folder, *command, "--objectives", "speed"), "speed")
    assert not (folder / "out").exists()


CHOICES = (["16nm", "7nm"], ["sram", "stt", "sot"], [1 << 20, 1 << 21, 1 << 22], [4, 8], [64, 128], [0, 2, 6], ["v100"])
SMALL = Space(CHOICES, {"sram"})


def test_a_space_holds_each_design_once():
    designs = [SMALL.design(number) for number in range(len(SMALL))]
    assert len(set(designs)) == len(designs) == 2 * 3 * 2 * (1 * 2 + 2 * (2 + 3))
    valid = {
        Design(*one) for one in itertools.product(*CHOICES)
        if one[5] == 0 or (one[5] < one[3] and one[1] != "sram")
    }  # fmt: skip
    assert set(designs) == valid


def test_places_are_mended_to_the_nearest_design():
    assert (SMALL.numbers(SMALL.codes) == np.arange(len(SMALL))).all()
    asked = np.array([[1, 1, 2, 0, 1, 2, 0], [0, 0, 0, 1, 0, 1, 0]])  # six SRAM ways of four; SRAM ways beside SRAM
    found = [SMALL.design(number) for number in SMALL.numbers(asked)]
    assert found == [
        Design("7nm", "stt", 1 << 22, 4, 128, 2, "v100"),
        Design("16nm", "sram", 1 << 20, 8, 64, 0, "v100"),
    ]


def test_too_large_a_space_is_refused():
    with pytest.raises(InputError, match="combinations, more than"):
        Space(
            (["16nm"], ["stt"], list(range(1, 2000)), list(range(1, 65)), [64, 128], list(range(64)), ["v100"]), set()
        )


rows = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=12)


@settings(deadline=None)
@given(rows)
def test_the_front_equals_the_twin(points):
    values = np.array(points, float)
    beaten = [any((other <= row).all() and (other < row).any() for other in values) for row in values]
    assert front(values).tolist() == [not one for one in beaten]


@settings(deadline=None)
@given(rows)
def test_the_hypervolume_counts_unit_cubes(points):
    """Of whole numbers, it is how many unit cubes below the reference some point is no worse than."""
    reference = 5
    cubes = itertools.product(range(reference), repeat=3)
    dominated = sum(any(all(p <= c for p, c in zip(point, cube, strict=True)) for point in points) for cube in cubes)
    assert hypervolume(np.array(points, float), np.full(3, float(reference))) == pytest.approx(dominated)


def test_the_hypervolume_of_three_points_by_hand():
    points = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [3.0, 3.0]])
    assert hypervolume(points, np.array([4.0, 4.0])) == pytest.approx(3 + 2 + 1)
    assert hypervolume(points, np.array([1.0, 1.0])) == 0
    assert share(points, points.min(axis=0), points.max(axis=0)) == pytest.approx(1 / 4)  # of (2, 2) alone
    assert share(np.ones((2, 2)), np.ones(2), np.ones(2)) == 1


def test_a_hybrid_access_is_charged_its_kind_of_way():
    mram = {"read_latency_s": 3.0, "write_latency_s": 9.0, "read_energy_J": 2.0, "write_energy_J": 8.0,
            "leakage_W": 1.0, "area_m2": 1.0, "parts": {"tag_read_J": 0.25}}  # fmt: skip
    sram = {"read_latency_s": 1.0, "write_latency_s": 2.0, "read_energy_J": 1.0, "write_energy_J": 1.5,
            "leakage_W": 5.0, "area_m2": 1.0, "parts": {"tag_read_J": 0.5}}  # fmt: skip
    counts = {"read_hits": 6, "read_misses": 4, "write_hits": 3, "write_misses": 2, "dram_read_sectors": 0,
              "dram_write_sectors": 0, "mram_read_accesses": 7, "mram_write_accesses": 1, "migrations": 2}  # fmt: skip
    found = charges([mram, sram], counts)
    assert found["leakage_W"] == 6
    assert 10 * found["read_latency_s"] == pytest.approx(7 * 3 + 3 * 1)
    assert 10 * found["read_energy_J"] == pytest.approx(7 * 2.5 + 3 * 1.25)
    assert 5 * found["write_latency_s"] == pytest.approx(1 * 9 + 4 * 2 + 2 * (3 + 9 + 1 + 2))
    assert 5 * found["write_energy_J"] == pytest.approx(1 * 8.5 + 4 * 1.75 + 2 * (2 + 8 + 1 + 1.5))
    alone = charges([mram], counts)
    assert alone == {name: mram[name] for name in alone}
    assert len(alone) == 5


@pytest.mark.parametrize("search", ["surrogate", "evolution", "random"])
@pytest.mark.parametrize("objectives", [2, 4])
def test_a_proposer_repeats_nothing_and_itself(search, objectives):
    """Each seed has a course of its own, the same every time; values are any function of the choices."""
    spec = Explore(search=search, population=10, objectives=["delay", "energy", "area", "edp"][:objectives])
    values = np.random.default_rng(0).random((len(SMALL), objectives))

    def course(seed: int) -> list[int]:
        proposer, seen = proposer_of(spec.model_copy(update={"seed": seed}), SMALL), np.empty(0, np.int64)
        for _ in range(6):
            chosen = proposer.propose(seen, values[seen], 10)
            assert len(set(chosen.tolist())) == len(chosen) <= 10
            assert not np.isin(chosen, seen).any()
            seen = np.concatenate([seen, chosen])
        return seen.tolist()

    assert course(1) == course(1) != course(2)


def test_searches_need_fewer_designs_than_chance():
    """Of values that add up over factors, a twelfth of the space holds nearly all of the hypervolume, but by chance."""
    lists = (
        [f"n{i}" for i in range(4)],
        ["a", "b", "c"],
        [1, 2, 4, 8, 16],
        [4, 8, 16],
        [64, 128],
        [0],
        ["v100", "h100"],
    )
    space = Space(lists, set())
    random = np.random.default_rng(3)
    effects = [random.random((size, 3)) for size in space.shape]
    values = sum(effect[space.codes[:, place]] for place, effect in enumerate(effects))
    low, high = values.min(axis=0), values.max(axis=0)

    def reached(proposer) -> float:
        seen = np.empty(0, np.int64)
        while len(seen) < 60:
            seen = np.concatenate([seen, proposer.propose(seen, values[seen], 10)])
        return share(values[seen], low, high) / share(values, low, high)

    shares = {kind: np.median([reached(make(seed)) for seed in range(5)]) for kind, make in {
        "surrogate": lambda seed: Surrogate(space, seed),
        "evolution": lambda seed: Evolution(space, seed, 10, 3),
        "random": lambda seed: Random(space, seed),
    }.items()}  # fmt: skip
    assert shares["surrogate"] > 0.97
    assert shares["surrogate"] > shares["evolution"] > shares["random"]


def test_the_slope_of_a_likelihood_is_its_difference():
    random = np.random.default_rng(2)
    codes = SMALL.codes[random.choice(len(SMALL), 20, replace=False)]
    steps = [table[codes[:, place]][:, codes[:, place]] for place, table in enumerate(distances(SMALL))]
    values, lengths = random.normal(size=20), random.normal(size=len(FACTORS) + 2) - 0.5
    values -= values.mean()
    slope = unlikelihood(lengths, steps, values)[1]
    for place, one in enumerate(np.eye(len(lengths)) * 1e-5):
        up, down = (unlikelihood(lengths + sign * one, steps, values)[0] for sign in (1, -1))
        assert slope[place] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-7)


def test_a_process_keeps_what_it_knows_and_finds_the_rest():
    random = np.random.default_rng(1)
    apart = distances(SMALL)
    numbers = random.choice(len(SMALL), 40, replace=False)
    codes = SMALL.codes[numbers]
    values = codes[:, 2] * 1.0 + 0.3 * codes[:, 1] * codes[:, 3]
    lengths = Process.learn(apart, codes, values)
    process = Process(apart, codes, values, lengths)
    mean, spread = process.predict(codes)
    assert mean == pytest.approx(values, abs=0.05)
    others = np.setdiff1d(np.arange(len(SMALL)), numbers)
    truth = SMALL.codes[others, 2] * 1.0 + 0.3 * SMALL.codes[others, 1] * SMALL.codes[others, 3]
    mean, spread_there = process.predict(SMALL.codes[others])
    assert np.abs(mean - truth).mean() < 0.1 * truth.std()
    assert spread_there.mean() > spread.mean()
    assert len(lengths) == len(FACTORS) + 2
