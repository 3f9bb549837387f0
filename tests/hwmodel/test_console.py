"""What people see of a result."""

import math
import sys

import numpy as np
import pytest

from hwmodel import console


def shown(document, capsys):
    console.view(document)
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def test_a_dict_is_names_and_values_in_engineering_units(capsys):
    document = {
        "cell": "stt",
        "read_latency_s": 2.98e-9,
        "organization": {"subarray_rows": 512},
        "modes": ["a", "b"],
        "notes": ["c"],
    }
    assert shown(document, capsys).splitlines() == [
        "cell          stt",
        "read latency  2.98 ns",
        "organization",
        "  subarray rows  512",
        "modes         a, b",
        "It rests on 1 note; --json lists them.",
    ]


def test_a_list_is_a_table_with_one_unit_a_column(capsys):
    text = shown([{"cell": "sram", "time_s": 1.5e-3}, {"cell": "stt", "time_s": 20e-6}, {"cell": "sot"}], capsys)
    for piece in ("cell", "time", "[ms]", "1.5", "0.02", "-", "sot"):
        assert piece in text
    assert "µs" not in text


@pytest.mark.parametrize("document", [None, {}])
def test_nothing_is_nothing(document, capsys):
    assert shown(document, capsys) == ""


def test_text_is_text(capsys):
    assert shown("done", capsys) == "done\n"


def test_rows_inside_a_dict_are_a_table(capsys):
    text = shown({"rows": [{"area_m2": 2.34e-6}], "none": None, "empty": []}, capsys)
    assert "[mm²]" in text
    assert "2.34" in text


def test_progress_without_a_terminal_is_a_line_a_tenth(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with console.progress("replay") as advance:
        for done in range(101):
            advance(done, 100, "vgg16")
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    assert lines == [f"replay: {10 * tenth} % vgg16" for tenth in range(11)]


def test_progress_without_lines_is_for_terminals_alone(capsys):
    with console.progress("sensitivity", lines=False) as advance:
        advance(1, 2)
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "")


def test_progress_of_nothing(capsys):
    with console.progress("replay") as advance:
        advance(0, 0)
    assert "replay: 0 %" in capsys.readouterr().err


def test_numbers_that_are_none_do_not_break_a_table(capsys):
    text = shown([{"time_s": None, "ratio": math.nan}, {"time_s": math.inf, "ratio": 2.0}], capsys)
    assert "-" in text
    assert "inf" in text


def test_text_in_a_table_is_shown_as_it_is(capsys):
    text = shown([{"[b]name": "[/a]", "time_s": "n/a"}, {"[b]name": "[red]x", "time_s": 1e-9}], capsys)
    for piece in ("[b]name", "[/a]", "[red]x", "n/a", "[ns]"):
        assert piece in text


def test_a_table_shows_what_is_no_number_as_a_dash(capsys):
    assert "nan" not in shown([{"time_s": math.nan}, {"time_s": 1e-9}], capsys)


def test_counts_keep_every_digit(capsys):
    assert "1,234,567" in shown([{"hits": np.int64(1234567)}], capsys)


def test_a_list_of_quantities_keeps_its_units(capsys):
    assert shown({"capacity_bytes": [3 * 2**20, 128]}, capsys).split(maxsplit=1)[1].strip() == "3 MiB, 128 B"


def test_a_list_of_text_is_no_table(capsys):
    assert shown(["stt", "sot"], capsys) == "['stt', 'sot']\n"
