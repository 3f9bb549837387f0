"""Files of another tool, run as they are: cells and configurations."""

import json
from pathlib import Path

import pandas as pd
import pytest

from circuits.array.search import TARGETS as EVERY
from circuits.errors import InputError
from circuits.interchange.cell_file import read_cell
from circuits.interchange.config import read_config, run_config
from hwmodel.cli import main

REFERENCE = Path(__file__).parents[1] / "reference"
CELLS = REFERENCE / "cells"
TARGETS = {"ReadLatency": "hit_lat_s", "WriteDynamicEnergy": "write_E_J", "LeakagePower": "leak_W", "Area": "area_m2"}
KEYS = {"hit_lat_s": "read_latency_s", "write_E_J": "write_energy_J", "leak_W": "leakage_W", "area_m2": "area_m2"}


def config(tmp_path, **lines):
    """Write a configuration as the older tool's samples are written, with remarks among the lines."""
    given = {"DesignTarget": "cache", "CacheAccessMode": "Normal", "OptimizationTarget": "ReadEDP",
             "ProcessNode": "22", "Capacity (KB)": "1024", "WordWidth (bit)": "512",
             "Associativity (for cache only)": "16", "DeviceRoadmap": "HP", "Routing": "H-tree",
             "InternalSensing": "true", "MemoryCellInputFile": str(CELLS / "STT.cell"), "Temperature (K)": "350",
             "UseCactiAssumption": "Yes"} | lines  # fmt: skip
    path = tmp_path / "my.cfg"
    rows = [f"-{key}: {value}" for key, value in given.items() if value is not None]
    path.write_text("# a remark\n//-DesignTarget: CAM\n\n" + "\n".join(rows) + "\n")
    return path


SAMPLE = pd.read_csv(REFERENCE / "nvsim_cache_sample.csv")


@pytest.mark.parametrize("row", SAMPLE[SAMPLE.target.isin(TARGETS)].iloc[:8].to_dict("records"),
                         ids=lambda row: f"{row['tech']}-{row['target']}")  # fmt: skip
def test_a_configuration_gives_a_cache_no_worse_than_the_older_tools(tmp_path, row):
    column = TARGETS[row["target"]]
    path = config(tmp_path, **{
        "CacheAccessMode": row["mode"], "OptimizationTarget": row["target"], "ProcessNode": row["node_nm"],
        "Capacity (KB)": row["capacity_KB"], "MemoryCellInputFile": CELLS / f"{row['tech']}.cell"})  # fmt: skip
    assert run_config(path, "older")[KEYS[column]] <= row[column] * (1 + 0.03)


def test_exploration_gives_the_best_of_every_target(tmp_path):
    rows = run_config(config(tmp_path, OptimizationTarget=None))
    assert [row["target"] for row in rows] == list(EVERY)
    assert min(rows, key=lambda row: row["area_m2"])["target"] == "area"
    assert min(rows, key=lambda row: row["leakage_W"])["target"] == "leakage"


def test_forced_organisation_is_kept(tmp_path):
    forced = {"ForceBank (Total AxB, Active CxD)": "8x8, 1x8", "ForceMat (Total AxB, Active CxD)": "2x2, 2x2",
              "ForceMuxSenseAmp": "8"}  # fmt: skip
    found = run_config(config(tmp_path, DesignTarget="RAM", **forced))["organization"]
    named = ("bank_rows", "bank_columns", "active_columns", "mat_rows", "sub_rows", "mux")
    assert tuple(found[name] for name in named) == (8, 8, 8, 2, 2, 8)


def test_constraint_is_held(tmp_path):
    best = run_config(config(tmp_path, DesignTarget="RAM", OptimizationTarget="Area"))["area_m2"]
    free = run_config(config(tmp_path, DesignTarget="RAM", OptimizationTarget="ReadLatency"))
    held = run_config(config(tmp_path, DesignTarget="RAM", OptimizationTarget="ReadLatency", ApplyAreaConstraint="0.2"))
    assert held["area_m2"] <= 1.2 * best < free["area_m2"]
    assert held["read_latency_s"] > free["read_latency_s"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("DesignTarget", "CAM", "DesignTarget 'CAM': give cache or RAM"), ("Capacity (KB)", "3000", "power of two"),
     ("Capacity (KB)", "-1", "whole, positive"), ("Capacity (KB)", None, "Capacity: missing"),
     ("ProcessNode", "16", "not tabulated"), ("Routing", "non-H-tree", "give H-tree"),
     ("MemoryCellInputFile", None, "MemoryCellInputFile: missing"), ("MemoryCellInputFile", "no.cell", "no.cell"),
     ("Temperature (K)", "500", "300 to 400"), ("ForceBank (Total AxB, Active CxD)", "8x8", "AxB, CxD"),
     ("ForceMuxSenseAmp", "3", "no organisation"), ("ApplyAreaConstraint", "much", "give a number"),
     ("WordWidth (bit)", "1048576", "fewer than two sets")],
)  # fmt: skip
def test_a_mistake_in_a_configuration_is_one_line(tmp_path, key, value, said):
    with pytest.raises(InputError, match=said) as caught:
        run_config(config(tmp_path, **{key: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"hello", b"-" * 70000], ids=["empty", "bytes", "text", "long"]
)
def test_no_configuration_at_all(tmp_path, content):
    path = tmp_path / "bad.cfg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.cfg"):
        read_config(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [("-MemCellType: FeFET", "MemCellType 'FeFET'"), ("-CellArea (F^2): 0", "CellArea"),
     ("-ResistanceOff (ohm): 10", "0 < on < off"), ("-AccessType: BJT", "BJT: not modelled"),
     ("-ReadPower (uW): lots", "ReadPower 'lots'"), ("-ReadPower (uW): nan", "not a finite"),
     ("-AccessCMOSWidth (F): 0", "AccessCMOSWidth")],
)  # fmt: skip
def test_a_mistake_in_a_cell_is_one_line(tmp_path, line, said):
    path = tmp_path / "my.cell"
    path.write_text((CELLS / "STT.cell").read_text() + line + "\n")
    with pytest.raises(InputError, match=said):
        read_cell(path)


def test_cell_units_become_si():
    cell = read_cell(CELLS / "STT.cell")
    assert (cell.reset.A, cell.reset.s, cell.reset.J, cell.sense_V, cell.read_W) == pytest.approx(
        (80e-6, 10e-9, 1e-12, 25e-3, 30e-6))  # fmt: skip
    assert cell.width_features * cell.height_features == pytest.approx(54)


def test_the_command_runs_a_configuration(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["cache", "--config", str(config(tmp_path)), "--json"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["target"] == "read-edp"
    for more in (["--capacity", "1MiB"], []):
        with pytest.raises(SystemExit) as ended:
            main(["cache", *(["--config", str(config(tmp_path))] if more else ["--assumptions", "older"]), *more])
        assert ended.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1
