import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.labels import column, counted, digits, shorten
from reports.model import Span, formula
from reports.numbers import break_even, checks, edp_with_leakage, ranked, reduction, relative, spread
from reports.results import Study, read_study
from reports.tables import caches_table, results_table
from tests.reports.synthetic import write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return read_study(write_study(tmp_path_factory.mktemp("numbers") / "s"))


def value_of(text: str, unit: str) -> float:
    """Read a table's number back to SI."""
    number, _, own = text.replace(",", "").partition(" ")
    unit = own or unit
    power = {"m": -3, "µ": -6, "n": -9, "p": -12, "k": 3, "M": 6, "G": 9}.get(
        unit[0] if len(unit.rstrip("²")) > 1 else "", 0
    )
    if unit == "J·s":
        power = 0
    return float(number) * 10.0 ** (power * (2 if unit.endswith("²") else 1))


def test_the_table_shows_what_results_csv_holds(study: Study) -> None:
    with (study.folder / "results.csv").open(encoding="utf-8") as file:
        stored = {(row["network"], row["phase"], row["cell"]): row for row in csv.DictReader(file)}
    table = results_table(study)
    units = [heading.unit for heading in table.headings]
    shown = [row for row in table.rows if len(row) > 1]
    keys = [(*workload, cell) for workload in study.workloads for cell in study.cells]
    assert len(shown) == len(keys) == len(stored)
    places = {1: "cache_time_s", 2: "dynamic_energy_J", 3: "leakage_energy_J", 4: "cache_edp_Js", 6: "time_s",
              7: "dram_energy_J", 8: "energy_J", 9: "edp_Js", 11: "area_m2"}  # fmt: skip
    for row, key in zip(shown, keys, strict=True):
        for place, name in places.items():
            assert value_of(row[place], units[place]) == pytest.approx(float(stored[key][name]), rel=6e-3), (key, name)
        base = stored[key[0], key[1], "sram"]
        for place, name in ((5, "cache_edp_Js"), (10, "edp_Js")):
            assert float(row[place]) == pytest.approx(float(stored[key][name]) / float(base[name]), rel=6e-3)


def test_the_caches_table_shows_caches_csv(study: Study) -> None:
    assert caches_table(study).rows[0] == ["SRAM", "2.91", "1.53", "350", "320", "6.44", "5.53"]


def test_the_books_of_the_generator_balance(study: Study) -> None:
    assert all(check.deviation < 1e-12 for check in checks(study))


def test_a_wrong_column_is_found(study: Study) -> None:
    row = next(iter(study.results.values()))
    kept, row["energy_J"] = row["energy_J"], row["energy_J"] * 1.01
    assert max(check.deviation for check in checks(study)) == pytest.approx(0.01, rel=0.02)
    row["energy_J"] = kept


def test_edp_at_another_leakage_is_the_closed_form(study: Study) -> None:
    row = study.row(study.workloads[3], "sram")
    for scale in (0.0, 1 / 9, 1.0, 2.0):
        alone = (row["dynamic_energy_J"] + scale * row["leakage_W"] * row["cache_time_s"]) * row["cache_time_s"]
        whole = (row["dynamic_energy_J"] + scale * row["leakage_W"] * row["cache_time_s"] + row["dram_energy_J"]) * row[
            "time_s"
        ]
        assert edp_with_leakage(row, scale, dram=False) == pytest.approx(alone, rel=1e-12)
        assert edp_with_leakage(row, scale, dram=True) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("dram", [False, True])
@pytest.mark.parametrize("cell", ["stt", "sot"])
def test_at_break_even_the_median_reduction_is_one(study: Study, cell: str, dram: bool) -> None:
    scale = break_even(study, cell, dram=dram)
    assert spread(reduction(study, cell, dram=dram, leakage=scale)).median == pytest.approx(1, rel=1e-9)
    assert break_even(study, "sram", dram=dram) == pytest.approx(1)


def test_the_best_comes_first_and_the_baseline_is_one(study: Study) -> None:
    assert [cell for cell, _ in ranked(study)] == ["sot", "stt", "sram"]
    assert set(relative(study, "sram", "edp_Js").values()) == {1.0}


@given(st.floats(1e-6, 1e12), st.integers(1, 6))
def test_digits_keeps_its_digits(value: float, significant: int) -> None:
    assert float(digits(value, significant).replace(",", "")) == pytest.approx(
        value, rel=0.51 * 10 ** (1 - significant) + 1e-15
    )


def test_numbers_people_read() -> None:
    assert digits(9.999) == "10.0"
    assert digits(0) == "0"
    assert counted(1.3e9) == "1.30 G"
    assert counted(12) == "12"
    assert column("time_s", [0.1, 0.22]) == ("ms", ["100", "220"])
    assert column("time_s", [1e-9, 1.0]) == ("", ["1.00 ns", "1.00 s"])
    assert not math.isnan(float(column("time_s", [0.0, 0.0])[1][0]))


@given(st.text(max_size=60), st.integers(4, 30))
def test_shorten_keeps_to_its_length(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= max(length, 0)
    assert shorten(text, length) == text or len(text) > length


def test_a_formula_knows_its_letters() -> None:
    assert formula("D = reads × t_read") == [
        Span("D", "emph"), Span(" "), Span("="), Span(" "), Span("reads"), Span(" "), Span("×"), Span(" "),
        Span("t", "emph"), Span("read", "sub"),
    ]  # fmt: skip


def test_sram_comes_first_and_is_the_baseline(tmp_path: Path) -> None:
    assert read_study(write_study(tmp_path / "a", cells=("sot", "SRAM"))).baseline == "SRAM"
    assert read_study(write_study(tmp_path / "b", cells=("sot", "stt"))).baseline == "sot"
