"""The questions: which scenarios they lay out, and that their summaries follow from the results."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from circuits.errors import InputError
from hwmodel.studies.points import COUNTS
from hwmodel.studies.questions import crossings, gains, run
from hwmodel.studies.runner import Runner
from hwmodel.studies.spec import make_spec
from hwmodel.studies.store import Answer, Store, default_folder
from tests.hwmodel.traffic import instead_of_replay

KIB = 1024


def made_up(points: Any, report: Any) -> list[Answer]:
    """Stand for capture and replay: misses that halve when the capacity doubles, writes a tenth of reads."""
    found = []
    for point in points:
        counts = dict.fromkeys(COUNTS, 0) | {"read_hits": 9000 * point.batch, "read_misses": 1000 * point.batch,
                 "write_hits": 900 * point.batch, "write_misses": 100 * point.batch, "writebacks": 7,
                 "dram_reads": 2**30 // point.capacity, "dram_writes": 2**28 // point.capacity}  # fmt: skip
        rows = [{"name": name, "accesses": 5, **counts} for name in ("a", "b", "a")]
        about = {"parameters": 7, "macs": 11 * point.batch, "notes": ["a note"], "works": {"w": "a work"}}
        found.append(Answer(pd.DataFrame(rows), about))
    report(1.0)
    return found


@pytest.fixture(scope="module")
def ask() -> Any:
    with instead_of_replay(made_up), Store(default_folder()) as store:

        def asked(kind: str, **values: Any) -> Any:
            given = {"networks": ["alexnet", "squeezenet"], "ways": 4} | values
            return run(make_spec({"study": kind} | given), Runner(store))

        yield asked


def test_iso_capacity_is_the_same_stream_for_every_cell(ask: Any) -> None:
    study = ask("iso-capacity", capacity="64KiB", dies=3)
    assert len(study.results) == 2 * 2 * 3
    assert study.results.groupby(["network", "phase"])["l2_reads"].nunique().eq(1).all()
    assert (study.results["cache_edp_low_Js"] <= study.results["cache_edp_Js"] * 1.5).all()
    assert (study.results["cache_edp_low_Js"] < study.results["cache_edp_high_Js"]).all()
    assert study.results["yield_none"].between(0, 1).all()
    assert (study.summary["cache_edp_reduction_low"] <= study.summary["cache_edp_reduction_high"]).all()
    assert study.traffic.groupby(["network", "phase"])["launches"].sum().eq(3).all()
    assert study.made["sectors_replayed"] == 4 * 15
    assert study.made["networks"]["alexnet"] == {"parameters": 7, "macs": 11}


def test_iso_area_takes_the_largest_that_fits(ask: Any) -> None:
    from circuits import design_cache

    study = ask("iso-area", capacity="48KiB", most=3, phases={"inference": 1})
    caches = study.caches.set_index("cell")
    room = caches.loc["sram", "area_m2"]
    assert caches.loc["sram", "capacity_bytes"] == 48 * KIB
    for cell in ("stt", "sot"):
        size = int(caches.loc[cell, "capacity_bytes"])
        assert caches.loc[cell, "area_m2"] <= room
        bigger = [
            design_cache(cell, "16nm", more, 4).area_m2 for more in range(size + 4 * KIB, 3 * 48 * KIB + 1, 4 * KIB)
        ]
        assert all(area > room for area in bigger)
        row = study.summary[study.summary["cell"] == cell].iloc[0]
        assert row["capacity_gain"] == size / (48 * KIB)
        assert row["dram_access_reduction"] == pytest.approx(size / (48 * KIB), rel=1e-3)


def test_iso_area_without_room_is_one_line(ask: Any) -> None:
    with pytest.raises(InputError, match="iso-area: sram of 65536 bytes is larger than stt"):
        ask("iso-area", capacity="64KiB", most=2, cells=["stt", "sram"])


def test_scaling_has_every_capacity_and_its_crossings(ask: Any) -> None:
    study = ask("scaling", capacities=["32KiB", "128KiB", "512KiB"], phases={"inference": 1})
    assert sorted(set(study.results["capacity_bytes"])) == [32 * KIB, 128 * KIB, 512 * KIB]
    assert len(study.results) == 2 * 3 * 3
    for row in study.summary.to_dict("records"):
        part = study.results[study.results["network"] == row["network"]]
        curve = part.pivot_table(index="capacity_bytes", columns="cell", values=row["figure"])
        ratio = curve[row["over"]] / curve[row["cell"]]
        if math.isnan(row["capacity_bytes"]):
            assert (ratio >= 1).all()
        else:
            below = ratio[ratio.index < row["capacity_bytes"]].iloc[-1]
            above = ratio[ratio.index > row["capacity_bytes"]].iloc[0]
            assert below < 1 < above


def test_a_crossing_lies_where_the_lines_meet() -> None:
    rows = [
        {"network": "n", "phase": "p", "batch": 1, "gpu": "g", "cell": cell, "capacity_bytes": size,
         "cache_edp_Js": edp, "edp_Js": 1.0 if cell == "a" else 2.0}
        for cell, edps in (("a", (1.0, 4.0, 16.0)), ("b", (4.0, 4.0**1.5, 8.0)))
        for size, edp in zip((1, 4, 16), edps, strict=True)
    ]  # fmt: skip
    table = crossings(pd.DataFrame(rows))
    own = table[table["figure"] == "cache_edp_Js"].iloc[0]
    # log a = log size, log b = log 4 + ...: ratios b/a of 4, 2, 1/2, which cross halfway between 4 and 16 in logarithms
    assert (own["cell"], own["over"]) == ("b", "a")
    assert own["capacity_bytes"] == pytest.approx(8.0)
    other = table[table["figure"] == "edp_Js"].iloc[0]
    assert (other["cell"], other["over"]) == ("a", "b")
    assert math.isnan(other["capacity_bytes"])


def test_batch_lays_out_every_batch(ask: Any) -> None:
    study = ask("batch", capacity="64KiB", batches=[1, 8], phases=["training"], cells=["sram", "sot"])
    assert sorted(set(study.results["batch"])) == [1, 8]
    ratio = study.summary.set_index(["network", "batch"])["cache_edp_reduction"]
    assert ratio["alexnet", 1] == pytest.approx(ratio["alexnet", 8])  # the made-up stream's mix is the same


def test_sensitivity_moves_one_factor_at_a_time(ask: Any) -> None:
    study = ask("sensitivity", capacity="64KiB", nodes=["7nm"], temperatures_K=[400], leakages=["ptm-lstp"],
                batches=[2], capacities=["128KiB"], gpus=["v100"], drams=["gddr5x"],
                phases={"inference": 1})  # fmt: skip
    rows = study.results
    base = rows[rows["factor"] == "base"]
    assert list(dict.fromkeys(rows["factor"])) == [
        "base",
        "leakage",
        "temperature_K",
        "node",
        "capacity",
        "batch",
        "gpu",
    ]
    columns = {"temperature_K": "temperature_K", "node": "node", "batch": "batch", "gpu": "gpu",
               "capacity": "capacity_bytes", "leakage": "leakage"}  # fmt: skip
    for factor, column in columns.items():
        part = rows[rows["factor"] == factor]
        assert len(part) == len(base)
        others = [name for name in columns.values() if name not in {column, "leakage" if factor == "node" else ""}]
        assert (part[others].to_numpy() == base[others].to_numpy()).all()
        assert (part[column].to_numpy() != base[column].to_numpy()).all()
    each = gains(rows, ["factor", "value", "network", "phase"])
    part = each[(each["factor"] == "node") & (each["cell"] == "sot")]["cache_edp_reduction"]
    row = study.summary[(study.summary["factor"] == "node") & (study.summary["cell"] == "sot")].iloc[0]
    assert row["cache_edp_reduction_max"] == part.max()
    assert row["cache_edp_reduction_mean"] == pytest.approx(np.exp(np.log(part).mean()))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"study": "scaling", "capacities": ["2MiB", "1MiB"]}, "do not rise"),
        ({"study": "scaling", "capacities": ["1MiB"]}, "capacities"),
        ({"study": "scaling", "capacities": "1MiB"}, "capacities"),
        ({"study": "scaling", "capacity": "1MiB"}, "capacity .*known are"),
        ({"study": "batch", "batches": [4, 4]}, "do not rise"),
        ({"study": "batch", "batches": [0, 1]}, "batches.0 0"),
        ({"study": "batch", "phases": ["inference", "inference"]}, "given twice"),
        ({"study": "iso-area", "most": 1}, "most 1"),
        ({"study": "sensitivity", "temperatures_K": [200]}, "temperatures_K.0 200"),
        ({"study": "sensitivity", "nodes": ["7nm", "7nm"]}, "given twice"),
        ({"temperature_K": float("nan")}, "temperature_K nan"),
        ({"temperature_K": "warm"}, "temperature_K 'warm'"),
        ({"dies": -1}, "dies -1"),
        ({"seed": 2**63}, "seed"),
        ({"dtype": "fp7"}, "dtype 'fp7'"),
    ],
)
def test_contradictions_are_one_line(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        make_spec(values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"node": "11nm"}, "11nm"),
        ({"cells": ["sram", "vacuum"]}, "vacuum"),
        ({"leakage": "cold"}, "leakage 'cold'"),
        ({"capacity": 100}, "capacity 100"),
        ({"study": "sensitivity", "gpus": ["voodoo2"]}, "voodoo2"),
        ({"study": "sensitivity", "drams": ["ddr9"]}, "ddr9"),
        ({"study": "sensitivity", "nodes": ["11nm"]}, "11nm"),
        ({"networks": ["vgg17"]}, "vgg17"),
        ({"networks": ["no.such:net"]}, "no.such:net"),
        ({"target": "beauty"}, "beauty"),
        ({"line": 100}, "line 100"),
    ],
)
def test_unknown_names_show_before_any_work(ask: Any, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:  # each folder has its own InputError
        ask(values.pop("study", "iso-capacity"), **values)
    assert getattr(caught.value, "is_input_error", False)
