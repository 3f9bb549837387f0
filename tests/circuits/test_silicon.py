"""Published SRAM macros: the table is whole, and our banks are as dense as they are."""

import csv
from pathlib import Path
from statistics import median

import pytest

from circuits import design_cache
from circuits.devices.node import node_names

PATH = Path(__file__).parents[1] / "reference" / "sram_macros.csv"
ROWS = list(csv.DictReader(PATH.read_text().splitlines()))


def test_every_macro_names_its_node_its_source_and_whether_it_was_read_again():
    assert len(ROWS) >= 10
    for row in ROWS:
        assert row["node"] in node_names()
        assert row["cell"] in ("sram", "sram-hd", "sram8t")
        assert row["extent"] in ("macro", "cache", "die")
        assert row["status"] in ("read", "partly read", "recalled")
        assert len(row["source"]) > 30
        assert row["capacity_basis"].startswith(("published", "assumed: "))
        assert bool(row["cycle_s"]) == bool(row["accesses_a_cycle"])


def test_banks_are_as_dense_as_published_macros():
    """Within a third in the median; a two-port macro of one port's cells is less dense than a bank."""
    ratios = []
    for row in ROWS:
        if row["density_bit_per_m2"]:
            bits = 8 * int(row["capacity_bytes"])
            area = design_cache(row["cell"], row["node"], bits // 8, 1, 64).organization["data_area_m2"]
            ratios.append(bits / area / float(row["density_bit_per_m2"]))
    assert len(ratios) >= 6
    assert median(ratios) == pytest.approx(1, abs=1 / 3)


@pytest.mark.parametrize("row", [r for r in ROWS if r["extent"] != "macro"], ids=lambda r: r["name"])
def test_a_cache_without_its_controller_is_smaller_than_with_it(row):
    ours = design_cache(row["cell"], row["node"], int(row["capacity_bytes"]), int(row["ways"]), 64).area_m2
    assert 0.1 < ours / float(row["area_m2"]) < 1
