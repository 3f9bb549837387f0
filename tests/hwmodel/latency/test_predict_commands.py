"""`hwmodel latency predict` and `table`: what they print and write, and one line for what cannot be."""

import json

import numpy as np
import pytest

from hwmodel.latency.predict_commands import predict, table
from hwmodel.latency.query.form import read_form, write_form
from hwmodel.latency.query.predictor import SpacePredictor
from tests.hwmodel.latency.commanded import run
from tests.hwmodel.latency.forms import form_with

FORM = form_with((4, 3, 2))
SPACE = "name: two\nlayers: [{name: a, choices: [k3, k5]}, {name: b, choices: [k3, skip]}]\n"
TABLE = {"a": {"k3": 1, "k5": 2}, "b": {"k3": {"mean": 3, "std": 0.5}}, "stem": {"k3": 9}}


@pytest.fixture
def device(tmp_path):
    write_form(FORM, tmp_path / "a.safetensors")
    return tmp_path / "a.safetensors"


@pytest.fixture
def published(tmp_path):
    (tmp_path / "two.yaml").write_text(SPACE)
    (tmp_path / "two.json").write_text(json.dumps(TABLE))
    return tmp_path


def test_networks_from_the_line_and_from_a_file(device, tmp_path):
    (tmp_path / "a.csv").write_text('arch,accuracy\n"[0, 0, 0]",0.7\n\n"[""c1"", 2, 1]",0.8\n')
    said, error = run(predict, "--device", device, "--arch", "[3, 2, 1]", "--archs", tmp_path / "a.csv", "--level", 0.5)
    assert not error
    assert (said["device"], said["level"]) == ("drawn", 0.5)
    rows = said["networks"]
    assert [row["network"] for row in rows] == ["[3, 2, 1]", "[0, 0, 0]", '["c1", 2, 1]']
    expected = SpacePredictor(FORM).predict([[3, 2, 1], [0, 0, 0], [1, 2, 1]], 0.5)
    np.testing.assert_array_equal([row["latency_s"] for row in rows], expected.mean)
    np.testing.assert_array_equal(
        [[row["low_s"], row["high_s"]] for row in rows], np.stack([expected.low, expected.high]).T
    )


def test_without_intervals_there_are_no_columns(tmp_path):
    write_form(form_with((2, 2), quantity="energy_J", quantiles=()), tmp_path / "b.safetensors")
    said, _ = run(predict, "--device", tmp_path / "b.safetensors", "--arch", "[0, 1]")
    assert set(said["networks"][0]) == {"network", "energy_J"}


@pytest.mark.parametrize(("text", "said"), [
    ("", "give a line of names"), ("arch\n", "give a line of names"), ('"[0, 0, 0]"\n"[0, 0, 0]"\n', "a line of names"),
    ('arch\n"[0, 0, 0', "not CSV"), ("arch\n\udcff", "not CSV"), ("arch\nhello\n", "network 0: 'hello' is none of"),
])  # fmt: skip
def test_files_without_networks(device, tmp_path, text, said):
    (tmp_path / "a.csv").write_text(text, errors="surrogateescape")
    assert said in run(predict, "--device", device, "--archs", tmp_path / "a.csv")[1]


def test_other_mistakes(device, tmp_path):
    assert "No such file" in run(predict, "--device", device, "--archs", tmp_path / "none.csv")[1]
    assert "no network; give --arch, --archs or --model" in run(predict, "--device", device)[1]
    assert "device 'pixel99': unknown" in run(predict, "--device", "pixel99", "--arch", "[0]")[1]
    assert "level 0.7: none of" in run(predict, "--device", device, "--arch", "[0, 0, 0]", "--level", "0.7")[1]


def test_a_table_becomes_a_predictor(published):
    path = published / "two.safetensors"
    asked = (published / "two.json", "--space", published / "two.yaml", "--unit", "ms", "--device", "phone",
             "--rest", 10, "--leave-out", "stem", "-o", path)  # fmt: skip
    said, error = run(table, *asked)
    assert not error
    assert (said["device"], said["quantity"], said["file"]) == ("phone", "latency_s", str(path))
    assert run(predict, "--device", path, "--arch", '["k5", "k3"]')[0]["networks"][0]["latency_s"] == pytest.approx(
        15e-3
    )
    assert read_form(path).provenance == {"table": "two.json", "unit": "ms", "rest": 10.0}
    assert "is there already; give --force" in run(table, *asked)[1]
    assert not run(table, *asked, "--force")[1]


def test_blocks_become_a_predictor(published):
    (published / "blocks.json").write_text(json.dumps({"stem": 9, "mb": {"mean": 1, "std": 0.1}}))
    layout = "constant: [stem]\nlayers: {a: {k3: mb, k5: mb}, b: {k3: mb, skip: null}}\n"
    (published / "layout.yaml").write_text(layout)
    asked = (published / "blocks.json", "--space", published / "two.yaml", "--unit", "s", "--device", "phone",
             "--blocks", published / "layout.yaml", "-o", published / "b.safetensors")  # fmt: skip
    assert not run(table, *asked)[1]
    found = run(predict, "--device", published / "b.safetensors", "--arch", "[0, 1]")[0]["networks"][0]
    assert found["latency_s"] == 10
    assert "--rest and --leave-out" in run(table, *asked, "--rest", 3, "--force")[1]


def test_tables_that_cannot_be(published):
    asked = (published / "two.json", "--space", published / "two.yaml", "--unit", "ms", "--device", "phone")
    assert "ends in .safetensors" in run(table, *asked, "-o", published / "a.json")[1]
    said = run(table, *asked, "-o", published / "a.safetensors")[1]
    assert "layer 'stem' is none of two; leave it out" in said
    assert said.startswith(str(published / "two.json"))
    assert not (published / "a.safetensors").exists()
