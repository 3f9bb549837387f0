"""From a profile's folder to a predictor and its answers: `latency profile`, `fit`, `predict`, on a fake machine."""

import functools
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from hwmodel import console
from hwmodel.latency.fit_commands import fit
from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.fill import filled
from hwmodel.latency.predict_commands import predict
from hwmodel.latency.profile import energy, session
from hwmodel.latency.profile.families import random_network
from hwmodel.latency.profile_commands import profile
from hwmodel.latency.query.predictor import load
from tests.hwmodel.latency.commanded import run
from tests.hwmodel.latency.fakes import FakePrepared, FakeRuntime, Machine
from tests.hwmodel.latency.layer_devices import times_of
from tests.hwmodel.latency.networks import GRAPHS


class Obedient(FakeRuntime):
    """Its networks take what the terms say, and it draws 2 W at work beside 5 W."""

    def prepare(self, graph, folder, threads):
        return FakePrepared(self.machine, float(times_of([graph])[0]))


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A profile of the blocks that come along, with energy, by `hwmodel latency profile`."""
    folder, machine = tmp_path_factory.mktemp("fake") / "desk", Machine(noise=0.02)
    counter = energy.Counter("fake", lambda: 5.0 * machine.now_s + 2.0 * machine.cpu_s)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("hwmodel.latency.profile.run", "hwmodel.latency.runtimes"):
            patch.setattr(f"{module}.find_runtime", lambda name: Obedient(machine))
        patch.setattr(
            "hwmodel.latency.profile.run.run_session", functools.partial(session.run_session, clock=machine.clock)
        )
        patch.setattr(energy, "zeus_counter", lambda: counter)
        patch.setattr(energy, "_idle_W", lambda _: 5.0)
        _, error = run(profile, "--runtime", "fake", "--rounds", 2, "-o", folder)
    assert not error
    return folder


@pytest.fixture(scope="module")
def device(measured, tmp_path_factory):
    path = tmp_path_factory.mktemp("fitted") / "desk.safetensors"
    told, error = run(fit, measured, "--device", "desk", "-o", path)
    assert not error
    assert (told["device"], told["quantity"], told["kind"], told["blocks"]) == ("desk", "latency_s", "layers", 50)
    assert told["left_out_median_error"] < 0.05
    return path


def onnx_file(graph, path):
    pytest.importorskip("onnx")
    from hwmodel.latency.runtimes.onnx.convert import converted

    path.write_bytes(converted(filled(canonical(graph), 0)).SerializeToString())
    return path


def test_networks_are_predicted_within_a_few_percent(device):
    asked = [canonical(random_network(family, 3, 4)) for family in ("mobile", "residual", "concatenating")]
    found = load(device).predict(asked)
    np.testing.assert_allclose(found.mean, times_of(asked), rtol=0.05)
    about = load(device).about()
    assert about["conditions"]["runtime"] == "fake"
    assert about["provenance"]["column"] == "cpu_corrected_s"
    assert about["provenance"]["basis"] == "calibrated"


def test_files_and_names_are_asked_for(device, tmp_path):
    graph = random_network("mobile", 0, 9)
    file = onnx_file(graph, tmp_path / "net.onnx")
    told, error = run(predict, "--device", device, "--model", file, "--model", "alexnet")
    assert not error
    assert (told["device"], told["level"]) == ("desk", 0.9)
    first, second = told["networks"]
    assert first["network"] == str(file)
    assert first["latency_s"] == pytest.approx(load(device).predict(graph).mean[0])
    assert first["low_s"] < first["latency_s"] < first["high_s"]
    assert second["network"] == "alexnet"
    assert "unseen" not in first
    assert "layers" not in told


def test_classes_that_no_block_has_are_named(device, tmp_path, capsys):
    file = onnx_file(GRAPHS["attention"](), tmp_path / "a.onnx")
    told = run(predict, "--device", device, "--model", file)[0]
    (row,) = told["networks"]
    assert {"matmul", "softmax", "norm"} <= set(row["unseen"])
    assert row["high_s"] > 1.2 * row["latency_s"]
    console.view(told)
    assert "softmax" in capsys.readouterr().out


def test_layers_are_listed_with_their_shares(device, capsys):
    told = run(predict, "--device", device, "--model", "alexnet", "--layers")[0]
    rows = told["layers"]
    assert {row["network"] for row in rows} == {"alexnet"}
    assert [row["layer"] for row in rows][:2] == ["conv1", "pool1"]
    assert sum(row["latency_s"] for row in rows) == pytest.approx(told["networks"][0]["latency_s"])
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    console.view(told)
    assert "fc6" in capsys.readouterr().out


def test_mistakes_of_predict_are_a_line(device, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"hello")
    for arguments, line in (
        (["--model", tmp_path / "none.onnx"], "none.onnx"),
        (["--model", tmp_path / "bad.onnx"], "bad.onnx"),
        (["--model", "nosuchnetwork"], "nosuchnetwork"),
        (["--arch", "[0, 1]"], "--arch, --archs:"),
        (["--model", "alexnet", "--level", "0.33"], "level 0.33: none of"),
    ):
        _, error = run(predict, "--device", device, *arguments)
        assert line in error
        assert "\n" not in error


def test_joules_are_learned_where_they_were_counted(measured, tmp_path):
    path = tmp_path / "energy.safetensors"
    told, error = run(fit, measured, "--device", "desk", "--quantity", "energy", "-o", path)
    assert not error
    assert told["quantity"] == "energy_J"
    graph = canonical(random_network("residual", 1, 4))
    found = load(path).predict(graph)
    assert found.quantity == "energy_J"
    assert found.mean[0] == pytest.approx(2 * times_of([graph])[0], rel=0.05)  # 2 W, without what idles
    assert load(path).about()["provenance"]["basis"] == "calibrated on energy measured"
    told = run(predict, "--device", path, "--model", "alexnet", "--layers")[0]
    assert set(told["layers"][0]) == {"network", "layer", "layer_class", "energy_J", "share", "seen"}


def test_the_walls_clock_may_be_learned(measured, tmp_path):
    path = tmp_path / "wall.safetensors"
    told, error = run(fit, measured, "--device", "desk", "--quantity", "wall", "-o", path)
    assert not error
    assert (told["column"], told["quantity"]) == ("wall_corrected_s", "latency_s")


@pytest.fixture
def copied(measured, tmp_path):
    """A profile that a test may spoil: (folder, change its table)."""
    folder = tmp_path / "copy"
    shutil.copytree(measured, folder)

    def change(edit):
        table = pd.read_parquet(folder / "measurements.parquet")
        edit(table).to_parquet(folder / "measurements.parquet")

    return folder, change


def fitted(folder, *more):
    said, error = run(fit, folder, "--device", "desk", "-o", folder.parent / "out.safetensors", *more)
    assert said is None
    assert "\n" not in error
    assert not (folder.parent / "out.safetensors").exists()
    return error


def test_without_a_counter_there_are_no_joules_and_a_reason(copied):
    folder, change = copied
    change(lambda table: table.assign(energy_J=np.nan, energy_basis=None))
    about = yaml.safe_load((folder / "device.yaml").read_text())
    about["energy"] = {"basis": None, "reason": "no counter: none here"}
    (folder / "device.yaml").write_text(yaml.safe_dump(about))
    assert "0 blocks with energy_J, needs 12: no counter: none here" in fitted(folder, "--quantity", "energy")
    (folder / "device.yaml").write_text(yaml.safe_dump(about | {"energy": ["?"]}))
    assert "0 blocks with energy_J, needs 12" in fitted(folder, "--quantity", "energy")


def test_few_blocks(copied):
    folder, change = copied
    change(lambda table: table[table["role"] == "block"].iloc[:11])
    assert "11 blocks with cpu_corrected_s, needs 12" in fitted(folder)


@pytest.mark.parametrize(("edit", "line"), [
    (lambda table: table.drop(columns="graph"), "lacks graph"),
    (lambda table: table.assign(cpu_corrected_s="fast"), "cpu_corrected_s holds what is no number"),
    (lambda table: table.assign(cpu_corrected_s=-1.0), "0 blocks with cpu_corrected_s"),
    (lambda table: table.assign(graph="{"), "its graph is none"),
    (lambda table: table.assign(graph=7), "its graph is none"),
    (lambda table: table.assign(graph='{"format": "hwmodel.graph"}'), "its graph is none: description"),
    (lambda table: table.assign(graph="[" * 100_000), "its graph is none"),
], ids=["columns", "text", "negative", "json", "number", "description", "deep"])  # fmt: skip
def test_tables_that_are_none(copied, edit, line):
    folder, change = copied
    change(edit)
    assert line in fitted(folder)


def test_folders_that_are_no_profile(copied, tmp_path):
    folder, _ = copied
    (folder / "device.yaml").write_text("- a\n- list\n")
    assert "lacks conditions" in fitted(folder)
    (folder / "device.yaml").write_text("a: [")
    assert "no finished profile" in fitted(folder)
    (folder / "device.yaml").unlink()
    assert "no finished profile (measurements.parquet and device.yaml)" in fitted(folder)
    (folder / "measurements.parquet").write_bytes(b"PAR1")
    assert "no finished profile" in fitted(folder)
    (tmp_path / "empty").mkdir()
    assert "no finished profile" in fitted(tmp_path / "empty")
    assert "no such file or folder" in fitted(tmp_path / "none")


def test_other_mistakes_of_fit(copied):
    folder, _ = copied
    assert "device" in fitted(folder, "--device", "")
    assert "has its own measurements" in fitted(folder, "--space", "fbnet")
    kept = folder.parent / "kept.safetensors"
    kept.write_bytes(b"mine")
    _, error = run(fit, folder, "--device", "desk", "-o", kept)
    assert "is there already; give --force" in error
    assert kept.read_bytes() == b"mine"
