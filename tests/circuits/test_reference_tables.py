"""The tables of published macros are whole: columns, numbers, nodes, sources, and no row twice."""

import csv
import math
from pathlib import Path

import pytest

from circuits.cells.design import cell_names
from circuits.devices.node import node_names

FOLDER = Path(__file__).parents[1] / "reference"
TEXT = {"name", "node", "node_basis", "extent", "note", "status", "source"}
NUMBERS = {"process_nm", "cell_area_m2", "capacity_bytes", "word_bits", "area_m2", "density_bit_per_m2", "access_s",
           "cycle_s", "vdd_V", "temperature_K", "read_energy_J_per_bit", "read_energy_J", "leakage_W"}  # fmt: skip
OWN_TEXT = {"sram": {"cell", "capacity_basis", "word_basis"}, "mram": {"technology", "access_basis"}}
OWN_NUMBERS = {
    "sram": {"ways", "accesses_a_cycle", "leakage_W_per_bit"},
    "mram": {"write_s", "write_energy_J_per_bit", "junction_diameter_m", "magnetoresistance_ratio"},
}
WHOLE = ("process_nm", "capacity_bytes", "word_bits", "ways", "accesses_a_cycle")
TIMES = ("access_s", "cycle_s")
ENERGIES = ("read_energy_J_per_bit", "read_energy_J")
FIGURES = (*TIMES, *ENERGIES, "cell_area_m2", "area_m2", "density_bit_per_m2", "leakage_W")
# The bounds are wide: they catch a figure in another unit, not an odd macro.
BOUNDS = {"cell_area_m2": (1e-14, 1e-12), "density_bit_per_m2": (1e11, 1e14), "access_s": (1e-11, 1e-6),
          "cycle_s": (1e-11, 1e-6), "write_s": (1e-10, 1e-4), "vdd_V": (0.1, 3), "temperature_K": (200, 500),
          "read_energy_J_per_bit": (1e-15, 1e-11), "read_energy_J": (1e-13, 1e-9), "leakage_W_per_bit": (1e-15, 1e-8),
          "write_energy_J_per_bit": (1e-14, 1e-9), "junction_diameter_m": (1e-8, 2e-7),
          "magnetoresistance_ratio": (0.3, 5), "word_bits": (1, 2048)}  # fmt: skip


def read(table: str) -> list[dict[str, str]]:
    with (FOLDER / f"{table}_macros.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = {table: read(table) for table in ("sram", "mram")}
EVERY = [pytest.param(t, row, id=f"{t}: {row['name']}") for t, rows in ROWS.items() for row in rows]
TABLES = pytest.mark.parametrize("table", ROWS)


@TABLES
def test_columns_are_the_ones_promised(table):
    for row in ROWS[table]:
        assert set(row) == TEXT | NUMBERS | OWN_TEXT[table] | OWN_NUMBERS[table]
        assert None not in row.values()


@TABLES
def test_no_macro_stands_twice(table):
    names = [row["name"] for row in ROWS[table]]
    figures = [tuple(v for k, v in row.items() if k not in ("name", "note")) for row in ROWS[table]]
    assert len(set(names)) == len(names)
    assert len(set(figures)) == len(figures)


@pytest.mark.parametrize(("table", "row"), EVERY)
def test_a_row_says_where_it_comes_from_and_at_which_node_it_is_taken(table, row):
    assert row["status"] in ("read", "partly read", "recalled")
    assert len(row["source"]) > 30
    assert row["node"] in node_names()
    nearest = min(node_names(), key=lambda n: abs(math.log(float(n.removesuffix("nm")) / int(row["process_nm"]))))
    assert row["node"] == nearest
    is_own = row["process_nm"] == row["node"].removesuffix("nm")
    assert row["node_basis"].startswith("own" if is_own else "nearest: ")
    assert row["cell" if table == "sram" else "technology"] in cell_names()
    assert row["extent"] in (("macro", "cache", "die") if table == "sram" else ("macro", "array", "chip"))


@pytest.mark.parametrize(("table", "row"), EVERY)
def test_a_number_is_positive_finite_and_in_its_unit(table, row):
    for column in (NUMBERS | OWN_NUMBERS[table]) & {k for k, v in row.items() if v}:
        value = float(row[column])
        assert 0 < value < math.inf, column
        low, high = BOUNDS.get(column, (0, math.inf))
        assert low <= value <= high, column
        assert column not in WHOLE or row[column].isdecimal(), column


@pytest.mark.parametrize(("table", "row"), EVERY)
def test_a_row_tells_something_and_its_figures_agree(table, row):
    assert any(row[c] for c in FIGURES) or row.get("leakage_W_per_bit") or row.get("write_energy_J_per_bit")
    value = {k: float(row[k]) for k in NUMBERS | OWN_NUMBERS[table] if row[k]}
    bits = 8 * value.get("capacity_bytes", math.nan)
    if "density_bit_per_m2" in value and "cell_area_m2" in value:
        assert value["density_bit_per_m2"] * value["cell_area_m2"] < 1
    if "area_m2" in value and "cell_area_m2" in value:
        assert bits * value["cell_area_m2"] < value["area_m2"]
    if {"leakage_W", "leakage_W_per_bit"} <= set(value):
        assert value["leakage_W"] == pytest.approx(bits * value["leakage_W_per_bit"], rel=0.01)
    if set(ENERGIES) <= set(value):
        assert value["read_energy_J"] == pytest.approx(value["word_bits"] * value["read_energy_J_per_bit"], rel=0.01)
    if table == "sram":
        assert row["capacity_basis"].startswith(("published", "assumed: "))
        assert row["word_basis"].startswith(("published", "assumed"))
        assert bool(row["cycle_s"]) == bool(row["accesses_a_cycle"])
        assert bool(row["ways"]) == (row["extent"] != "macro")
    else:
        assert (row["access_basis"] in ("access", "sensing", "array read")) == bool(row["access_s"])


def test_enough_is_known_of_times_and_energies():
    """A table whose rows lost their figures would pass every test above."""
    rows = ROWS["sram"]
    assert sum(any(row[c] for c in TIMES) for row in rows) >= 15
    assert sum(any(row[c] for c in ENERGIES) for row in rows) >= 6
    assert sum(bool(row["access_s"]) for row in ROWS["mram"]) >= 15
