"""Designs made from data with some figures replaced."""

import pytest

from circuits import design_cache, design_cell
from circuits.errors import InputError
from circuits.overrides import overridden


def test_a_replaced_figure_is_read_and_listed():
    plain = design_cell("stt", "16nm")
    with overridden({"stt.junction.resistance_area_ohm_m2": 4e-12}) as figures:
        changed = design_cell("stt", "16nm")
    assert changed.device["parallel_ohm"] == pytest.approx(plain.device["parallel_ohm"] * 4 / 5)
    assert figures["stt.junction.resistance_area_ohm_m2"].basis == "given"
    assert figures["16nm.layout.fin_pitch_m"].basis == "source"
    assert any("resistance_area_ohm_m2 = 4e-12 (assumed: given in place of" in line for line in changed.assumptions)
    assert design_cell("stt", "16nm") == plain


def test_the_value_that_stands_changes_nothing():
    with overridden() as figures:
        plain = design_cache("sot", "16nm", "1MiB")
    for name in ("sot.write_line.thickness_m", "columns.figures.activity", "sram.finfet.widths.access"):
        with overridden({name: figures[name].value}):
            again = design_cache("sot", "16nm", "1MiB")
        assert again.area_m2 == pytest.approx(plain.area_m2, rel=1e-12)
        assert again.read_latency_s == pytest.approx(plain.read_latency_s, rel=1e-12)


def test_blocks_nest_and_the_inner_has_the_last_word():
    name = "16nm.transistors.vdd_V"
    with overridden({name: 0.7}) as outer:
        with overridden({name: 0.75, "16nm.transistors.threshold_V": 0.2}):
            inner = design_cell("sram", "16nm").word_line_V
        assert (inner, design_cell("sram", "16nm").word_line_V) == (0.75, 0.7)
    assert outer["16nm.transistors.threshold_V"].value == pytest.approx(0.163)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "0.2", True, None])
def test_a_value_that_is_no_positive_number_is_an_error(value):
    with (
        pytest.raises(InputError, match=r"override 16nm\.transistors\.vdd_V"),
        overridden({"16nm.transistors.vdd_V": value}),
    ):
        pass


def test_an_unknown_figure_is_an_error_that_names_the_nearest():
    with (
        pytest.raises(InputError, match=r"did you mean 16nm\.transistors\.threshold_V\?"),
        overridden({"16nm.transistors.treshold_V": 0.2}),
    ):
        design_cell("sram", "16nm")


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
def test_a_design_at_its_own_organisation_is_itself(cell):
    free = design_cache(cell, "16nm", "3MiB")
    fixed = design_cache(cell, "16nm", "3MiB", organization=free.organization)
    assert (fixed.searched, fixed.organization) == (1, free.organization)
    assert fixed.read_latency_s == pytest.approx(free.read_latency_s, rel=1e-12)


@pytest.mark.parametrize("given", [{}, {"mode": "normal"}, {"mode": "normal", "tag": 3, "data": {}}, 7])
def test_an_organisation_that_names_none_is_an_error(given):
    with pytest.raises(InputError, match="organization"):
        design_cache("stt", "16nm", "3MiB", organization=given)
