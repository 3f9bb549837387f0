"""The rows of `hwmodel reproduce deepnvm`, over a small hand-made stream in place of the long replay."""

import math

import pandas as pd
import pytest

from hwmodel.studies import reproduce
from hwmodel.studies.points import COUNTS
from hwmodel.studies.runner import Runner
from hwmodel.studies.store import Answer, Store, default_folder
from tests.hwmodel.traffic import instead_of_replay

MIB = 2**20


def made_up(points, report):
    """Stand for the replay: six reads to a write, misses that halve when the capacity doubles."""
    found = []
    for point in points:
        counts = dict.fromkeys(COUNTS, 0) | {"read_hits": 500, "read_misses": 100, "write_hits": 90,
                 "write_misses": 10, "dram_reads": 3 * 10**15 // point.capacity,
                 "dram_writes": 3 * 10**14 // point.capacity}  # fmt: skip
        about = {"parameters": 7, "macs": 11 * point.batch, "notes": [], "works": {}}
        found.append(Answer(pd.DataFrame([{"name": "a", "accesses": 700, **counts}]), about))
    report(1.0)
    return found


@pytest.fixture(scope="module")
def rows():
    with instead_of_replay(made_up), Store(default_folder()) as store:
        return reproduce.deepnvm(Runner(store))


def test_every_row_is_complete(rows):
    for row in rows:
        assert list(row) == ["name", "status", "circuits", "paper", "ours", "ratio", "basis", "reason"]
        assert row["status"] in ("published", "recalled")
        assert row["circuits"] in ("paper", "ours")
        assert row["basis"] in ("modelled", "calibrated")
        assert row["ratio"] == pytest.approx(row["ours"] / row["paper"])
        assert math.isfinite(row["ratio"])
        assert row["ratio"] > 0
    assert len({(row["name"], row["circuits"]) for row in rows}) == len(rows)


def test_every_published_figure_has_its_row(rows):
    named = {row["name"]: row for row in rows if row["status"] == "published" and row["circuits"] == "ours"}
    for study, figures in {
        "iso_capacity": {"edp_reduction_up_to": (3.8, 4.7), "area_reduction": (2.4, 2.8)},
        "iso_area": {"edp_reduction_up_to": (2.0, 2.3), "capacity_gain": (2.3, 3.3)},
        "date20": {"edp_reduction_up_to": (4.2, 5.0), "area_reduction": (2.4, 3.0)},
    }.items():
        for figure, values in figures.items():
            for cell, value in zip(("stt", "sot"), values, strict=True):
                assert named[f"{study}.{figure}.{cell}"]["paper"] == value


def test_area_ratios_at_3_mib_are_within_15_percent_of_the_published_ones(rows):
    ratio = {row["name"]: row["ratio"] for row in rows}
    assert ratio["iso_capacity.area_reduction.stt"] == pytest.approx(1, abs=0.15)
    assert ratio["iso_capacity.area_reduction.sot"] == pytest.approx(1, abs=0.15)


def test_with_the_papers_circuits_and_mix_the_papers_mean_energies_come_out(rows):
    means = [row for row in rows if row["name"].startswith("iso_capacity_mean") and row["circuits"] == "paper"]
    assert len(means) == 6
    for row in means:
        assert row["ratio"] == pytest.approx(1, abs=0.15), row["name"]


def test_dram_rows_compare_the_papers_capacities_and_ours(rows):
    ours = {(row["name"], row["circuits"]): row["ours"] for row in rows}
    assert ours["iso_area.dram_access_reduction.stt", "paper"] == pytest.approx(1 - 3 / 7, rel=1e-6)
    assert ours["iso_area.dram_access_reduction.sot", "paper"] == pytest.approx(1 - 3 / 10, rel=1e-6)
    for cell in ("stt", "sot"):
        gain = ours[f"iso_area.capacity_gain.{cell}", "ours"]
        assert ours[f"iso_area.dram_access_reduction.{cell}", "ours"] == pytest.approx(1 - 1 / gain, rel=1e-6)
