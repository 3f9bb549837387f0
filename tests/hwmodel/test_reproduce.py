"""The rows of `hwmodel reproduce deepnvm`, over a small hand-made stream in place of the long replay."""

import math

import pandas as pd
import pytest

from hwmodel.studies import reproduce
from hwmodel.studies.traffic import COUNTS, Traffic

MIB = 2**20


def made_up(spec, capacities, workers, advance):
    """Stand for the replay: six reads to a write, misses that halve when the capacity doubles."""
    streams = []
    for network in spec.networks:
        for phase, batch in spec.phases.items():
            counts = [dict.fromkeys(COUNTS, 0) | {"read_hits": 500, "read_misses": 100, "write_hits": 90,
                      "write_misses": 10, "dram_reads": 3e8 / size, "dram_writes": 3e7 / size}
                      for size in capacities]  # fmt: skip
            totals = pd.DataFrame(counts).assign(capacity_bytes=capacities, accesses=700)
            streams.append(Traffic(network, phase, batch, 7, 11 * batch, totals, totals, {}, []))
    return streams


@pytest.fixture(scope="module")
def rows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproduce, "measure_traffic", made_up)
        return reproduce.deepnvm(1, lambda *_: None)


def test_every_row_is_complete(rows):
    for row in rows:
        assert list(row) == ["name", "status", "circuits", "paper", "ours", "ratio", "basis"]
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


def test_dram_rows_compare_the_papers_capacities(rows):
    ours = {row["name"]: row["ours"] for row in rows}
    assert ours["iso_area.dram_access_reduction.stt"] == pytest.approx(1 - 3 / 7)
    assert ours["iso_area.dram_access_reduction.sot"] == pytest.approx(1 - 3 / 10)
