"""`hwmodel latency graph`: rows of layers, their sums for people, and one line for what is no network."""

import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from hwmodel.latency.commands import latency
from hwmodel.latency.graph.features import Row
from hwmodel.latency.graph_commands import graph


def run(*arguments):
    result = CliRunner().invoke(latency, ["graph", *map(str, arguments)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value


def test_a_row_a_layer():
    rows = run("squeezenet", "--batch", 2)
    assert len(rows) == 38
    assert sum(row["macs"] for row in rows) == 2 * 818_924_576
    assert rows[0].keys() == {*Row.__annotations__, "output"}
    assert (rows[0]["layer"], rows[0]["output"], rows[0]["activation"]) == ("conv1", "2x96x109x109", "relu")
    assert len(run("squeezenet", "--as-written")) == 65


def test_a_file_and_a_factory_are_read(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    from tests.hwmodel.latency.test_from_onnx import MADE, saved

    assert [row["kind"] for row in run(saved(MADE["pad"], tmp_path))] == ["pad"]
    (tmp_path / "mine_for_the_graph.py").write_text(
        "from torch import nn\ndef small():\n    return nn.Conv2d(3, 4, 3)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (row,) = run("mine_for_the_graph:small", "--input", "3x8x8")
    assert row["macs"] == 4 * 36 * 27


@pytest.mark.parametrize("name", ["nothing", "no.module:here", "torch.nn:ReLU"])
def test_what_is_no_network_is_said(name):
    with pytest.raises(ValueError, match=name) as raised:
        run(name)
    assert raised.value.is_input_error


def test_a_batch_that_memory_could_not_hold_is_refused_in_one_line(tmp_path):
    pytest.importorskip("onnx")
    from tests.hwmodel.latency.test_from_onnx import model, node, saved

    path = saved(model([node("Relu", "x")], shape=("n", 1 << 20, 1 << 20)), tmp_path)
    with pytest.raises(InputError, match="elements"):
        run(path, "--batch", 1 << 20)


def test_a_file_keeps_the_shapes_that_it_has(tmp_path):
    pytest.importorskip("onnx")
    from tests.hwmodel.latency.test_from_onnx import MADE, saved

    path = saved(MADE["pad"], tmp_path)
    with pytest.raises(InputError, match="dimension 0 is 1, not the batch of 4"):
        run(path, "--batch", 4)
    with pytest.raises(InputError, match="--input: a file has its shapes"):
        run(path, "--input", "3x8x8")


def test_people_see_the_sums(capsys):
    graph.view(run("alexnet"))
    *_, last, all_, _ = capsys.readouterr().out.splitlines()
    assert last.split()[:2] == ["fc8", "linear"]
    assert all_.split()[:2] == ["all", "714,188,480"]
