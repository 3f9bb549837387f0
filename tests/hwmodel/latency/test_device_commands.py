"""`hwmodel latency devices`: what comes along, what a folder holds, and one line for mistakes."""

import numpy as np
import pytest

from hwmodel.latency.device_commands import _view, devices
from hwmodel.latency.query.form import write_form
from hwmodel.latency.query.listing import MOST_WORDS, words
from hwmodel.latency.query.predictor import known_devices, load
from tests.hwmodel.latency.commanded import run
from tests.hwmodel.latency.forms import form_with


@pytest.fixture
def folder(tmp_path):
    about = {"provenance": {"samples": 10, "left_out_median_error": 0.04}, "conditions": {"governor": "performance"}}
    write_form(form_with((4, 3, 2), **about), tmp_path / "a.safetensors")
    write_form(form_with((2, 2), device="other", quantity="energy_J", quantiles=()), tmp_path / "b.safetensors")
    (tmp_path / "c.safetensors").write_bytes(b"no predictor")
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


def test_what_comes_along():
    rows, error = run(devices)
    assert not error
    assert [row["device"] for row in rows] == known_devices()
    for row in rows:
        about = load(row["device"]).about()
        assert row["kind"] == about["kind"] == "layers"
        assert row["runtime"] == f"{about['conditions']['runtime']} {about['conditions']['runtime_version']}"
        assert (row["measurements"], row["energy"]) == (50, False)
        assert row["left_out_median_error"] == about["provenance"]["left_out_median_error"]
        assert row["conditions"] == "AMD EPYC, 1 thread"


def test_a_folders_predictors_come_after(folder, capsys):
    rows, error = run(devices, folder)
    assert not error
    mine, other, broken = rows[len(known_devices()) :]
    assert mine == {"device": str(folder / "a.safetensors"), "name": "drawn", "runtime": None, "kind": "space",
                    "conditions": "governor performance", "measurements": 10, "left_out_median_error": 0.04,
                    "energy": False}  # fmt: skip
    assert (other["energy"], other["measurements"], other["left_out_median_error"]) == (True, None, None)
    assert set(broken) == {"device", "problem"}
    _view(rows)
    said = capsys.readouterr().out
    assert "4.0%" in said
    assert f"{folder / 'c.safetensors'}: not a predictor's file" in said
    assert load(mine["device"]).predict(np.zeros((1, 3), np.int8)).mean.shape == (1,)


def test_mistakes_are_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for given, says in (("no", "no such folder"), ("file", "not a folder"), (".", "holds 0 files *.safetensors")):
        found, error = run(devices, tmp_path / given)
        assert found is None
        assert says in error
        assert "\n" not in error


def test_conditions_in_a_few_words():
    state = [{"governor": "powersave"}]
    assert words({"machine": {"processor": "M9"}, "threads": 4, "states": state}) == "M9, 4 threads, governor powersave"
    assert words({"machine": None, "states": [], "threads": None}) == ""
    assert len(words({"note": "x" * 500})) == MOST_WORDS
