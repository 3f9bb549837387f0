"""`hwmodel latency profile` from start to end, on this machine, with torch as the runtime and blocks of a moment."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from hwmodel.cli import root
from hwmodel.latency.profile import energy, measure
from hwmodel.latency.profile.log import FILE

BLOCKS = """blocks:
  small: {kind: conv, side: 8, channels: 4, out: 8}
  gate: {kind: squeeze, side: 8, channels: 16}
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(measure, "VISIT_S", 0.002)
    monkeypatch.setattr("hwmodel.latency.profile.session.SETTLE_S", 0.0)


def run(folder: Path, *arguments: str, runtime: str = "torch"):
    (folder / "b.yaml").write_text(BLOCKS)
    return CliRunner().invoke(root, ["latency", "profile", "--runtime", runtime, "--blocks", str(folder / "b.yaml"),
                                     "-o", str(folder / "out"), "--rounds", "2", *arguments])  # fmt: skip


def test_a_profile_ends_with_a_table_and_its_conditions(tmp_path: Path):
    done = run(tmp_path, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    table = pd.read_parquet(tmp_path / "out" / "measurements.parquet")
    names = {"small", "gate", "anchor_arithmetic", "anchor_memory", "anchor_both"}
    assert set(table["name"]) == names == {row["name"] for row in told["measurements"]}
    blocks = table[table["role"] == "block"].set_index("name")
    assert (blocks["visits"] == 2).all()
    for clock in ("wall", "cpu"):
        assert (blocks[f"{clock}_minimum_s"] > 0).all()
        assert (blocks[f"{clock}_minimum_s"] <= blocks[f"{clock}_uncorrected_s"]).all()
        assert (blocks[f"{clock}_p10_s"] <= blocks[f"{clock}_median_s"]).all()
    layers = json.loads(blocks.loc["small", "graph"])
    assert "conv" in json.dumps(layers)
    device = yaml.safe_load((tmp_path / "out" / "device.yaml").read_text())
    assert device["runtime"] == "torch"
    assert device["basis"] == "measured"
    assert device["machine"]["architecture"]
    assert device["states"][0]["of"] == "beginning"
    assert device["states"][-1]["of"] == "end"
    for state in device["states"]:
        for name in ("governor", "frequency_Hz", "temperature_C", "steal_s", "load_average"):
            assert (state[name] is None) == (name in state.get("unreadable", {}))
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_the_same_command_again_measures_nothing_anew(tmp_path: Path):
    run(tmp_path)
    before = (tmp_path / "out" / FILE).read_bytes()
    table = pd.read_parquet(tmp_path / "out" / "measurements.parquet")
    again = run(tmp_path)
    assert again.exit_code == 0
    assert (tmp_path / "out" / FILE).read_bytes() == before
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "measurements.parquet"), table)


@pytest.mark.parametrize(("arguments", "line"), [
    (("--core", "9999"), "core 9999: not one that this process may run on"),
    (("--threads", "1000"), "threads 1000: more than the"),
    (("--networks", "nosuch"), "network 'nosuch': unknown"),
    (("--core-power", "-1"), "core power -1.0: give watts"),
    (("--networks", "small,small"), "network 'small': unknown"),
])  # fmt: skip
def test_a_mistake_is_a_line_and_leaves_no_result(arguments, line: str, tmp_path: Path):
    done = run(tmp_path, *arguments)
    assert done.exit_code != 0
    assert line in str(done.exception)
    assert getattr(done.exception, "is_input_error", False)
    assert not (tmp_path / "out" / "device.yaml").exists()


def test_an_unknown_runtime_is_told_first(tmp_path: Path):
    done = run(tmp_path, runtime="tensorrt")
    assert "runtime 'tensorrt': unknown; give one of" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_energy_is_estimated_only_when_a_power_is_given(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(energy, "zeus_counter", lambda: "no counter: none here")
    run(tmp_path, "--core-power", "4")
    table = pd.read_parquet(tmp_path / "out" / "measurements.parquet")
    assert (table["energy_basis"] == "estimated").all()
    assert table["energy_J"].to_numpy() == pytest.approx(4 * table["cpu_corrected_s"].to_numpy())
    run(tmp_path)
    assert pd.read_parquet(tmp_path / "out" / "measurements.parquet")["energy_J"].isna().all()
    device = yaml.safe_load((tmp_path / "out" / "device.yaml").read_text())
    assert device["energy"] == {"basis": None, "reason": "no counter: none here", "idle_W": None, "core_W": None}


def test_no_blocks_and_random_networks_are_chosen_by_options(tmp_path: Path):
    done = run(tmp_path, "--blocks", "none")
    assert "nothing to profile: give --blocks, --networks or --count" in str(done.exception)
