"""Cells against published areas and laws; users' files and their faults."""

import csv
import random
import shutil
from pathlib import Path

import pytest

from circuits import design_cell
from circuits.cells.design import FOLDER, cell_names
from circuits.cells.sense import SenseFigures, integrate_s, settle_s
from circuits.devices import node as nodes
from circuits.errors import InputError

REFERENCE = Path(__file__).parents[1] / "reference" / "bit_cells.csv"
PUBLISHED = list(csv.DictReader(REFERENCE.read_text().splitlines()))


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["name"])
def test_areas_follow_layout_rules_to_the_published_ones(row):
    areas = [design_cell(name, row["node"]).area_m2 for name in row["cell"].split("/")]
    ours = areas[0] / areas[1] if len(areas) == 2 else areas[0]
    assert ours == pytest.approx(float(row["area_m2"]), rel=float(row["tolerance"]))


def test_the_planar_cell_has_the_older_tools_area():
    assert design_cell("sram", "45nm").area_m2 == pytest.approx(146 * 45e-9**2)


@pytest.mark.parametrize("name", ["sram", "sram-hd", "sram8t", "stt", "sot"])
@pytest.mark.parametrize("node", ["45nm", "32nm", "22nm", "16nm"])
def test_every_cell_stands_at_every_node(name, node):
    document = design_cell(name, node).as_dict()
    assert document["cell"] == name
    assert document["node"] == node
    for key in ("area_m2", "sense_latency_s", "sense_energy_J", "set_latency_s", "reset_latency_s", "set_energy_J",
                "reset_energy_J", "read_current_A", "write_current_A"):  # fmt: skip
        assert 0 < document[key] < 1
    assert document["works"]
    assert document["assumptions"]


def test_a_spin_orbit_cell_writes_sooner_and_with_less_than_a_spin_transfer_cell():
    stt, sot, sram = (design_cell(name, "16nm") for name in ("stt", "sot", "sram"))
    assert max(sot.set_latency_s, sot.reset_latency_s) < min(stt.set_latency_s, stt.reset_latency_s) / 5
    assert max(sot.set_energy_J, sot.reset_energy_J) < min(stt.set_energy_J, stt.reset_energy_J) / 5
    assert sot.area_m2 < stt.area_m2 < sram.area_m2
    assert sram.leakage_W > 0 == stt.leakage_W == sot.leakage_W
    assert set(stt.fins) == {"access"}
    assert set(sot.fins) == {"write", "read"}


def changed(tmp_path: Path, name: str, *changes: tuple[str, str]) -> Path:
    text = (FOLDER / f"{name}.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / f"{random.randrange(10**9)}.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["stt", "sot"])
def test_larger_magnetoresistance_senses_sooner(tmp_path, name):
    # a long pulse keeps the write from asking for other fins, whose drains the bit line would feel
    limit = ("limit_s: {value: 9.5e-9", "limit_s: {value: 90.0e-9") if name == "stt" else ("kind: sot", "kind: sot")
    changes = [("toresistance: {value: 1.5", f"toresistance: {{value: {t}") for t in (1, 1.5, 2, 2.5)]
    cells = [design_cell(str(changed(tmp_path, name, limit, change))) for change in changes]
    times = [cell.sense_latency_s for cell in cells]
    assert len({cell.area_m2 for cell in cells}) == 1
    assert times == sorted(times, reverse=True)


def test_a_smaller_error_rate_or_a_larger_barrier_asks_for_more(tmp_path):
    limit = ("limit_s: {value: 9.5e-9", "limit_s: {value: 12.0e-9")
    base = design_cell(str(changed(tmp_path, "stt", limit)))
    careful = design_cell(str(changed(tmp_path, "stt", limit, ("rate: {value: 1.0e-6", "rate: {value: 1.0e-7"))))
    assert careful.fins["access"] >= base.fins["access"]
    assert (careful.set_latency_s, careful.fins["access"]) != (base.set_latency_s, base.fins["access"])
    lasting = design_cell(str(changed(tmp_path, "stt", limit, ("barrier_kT: {value: 60", "barrier_kT: {value: 50"))))
    assert lasting.fins["access"] <= base.fins["access"]
    assert lasting.device["retention_s"] < base.device["retention_s"]


def test_heat_changes_a_cells_figures_but_not_its_layout():
    cold, hot = (design_cell("stt", temperature_K=t) for t in (300, 400))
    assert cold.area_m2 == hot.area_m2
    assert cold.fins == hot.fins
    assert cold.device["retention_s"] > hot.device["retention_s"]


def test_sensing_follows_from_current_capacitance_and_offset():
    assert settle_s(20e-6, 5e-6, 0.2, 40e-15) > settle_s(20e-6, 8e-6, 0.2, 40e-15) > settle_s(20e-6, 8e-6, 0.2, 20e-15)
    figures = SenseFigures(0.2, 5e-15, 0.05, 4)
    assert integrate_s(figures, 5e-6) == pytest.approx(5e-15 * 0.05 / 5e-6)


def test_user_files_are_read_and_registered_names_found(tmp_path, monkeypatch):
    path = changed(tmp_path, "stt", ("name: stt", "name: mine"))
    assert design_cell(str(path)).name == "mine"
    assert design_cell(path).name == "mine"

    class Entry:
        name = "theirs"

        @staticmethod
        def load():
            return lambda: path

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry] if group == "hwmodel.cells" else [])
    assert design_cell("theirs").name == "mine"
    mynode = tmp_path / "node.yaml"
    shutil.copy(nodes.FOLDER / "16nm.yaml", mynode)
    assert design_cell("stt", str(mynode)).area_m2 == design_cell("stt").area_m2


BROKEN = [
    ("", "holds no mapping"),
    ("- a\n- b\n", "holds no mapping"),
    ("a: [1, 2\n", "not YAML"),
    ("!!python/object/apply:os.system ['true']\n", "not YAML"),
    ("\x00\x01\x02", "not YAML"),
    ("kind: stt\nname: x\n", "junction"),
    ("kind: stt\nname: x\nkind: sot\n", "'kind' is given twice"),
    ("kind: flash\n", "sram or .*stt"),
    ("kind: [a]\n", "kind"),
    ("kind: sram\nname: x\nfoo: 1\n", "unknown key"),
    ("kind: sram\nname: x\nworks: 3\n", "works"),
]


@pytest.mark.parametrize(("text", "says"), BROKEN)
def test_broken_files_are_refused_in_one_line(tmp_path, text, says):
    path = tmp_path / "cell.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        design_cell(str(path))
    assert "\n" not in str(caught.value)
    assert "cell.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("barrier_kT", "barier_kT", "did you mean barrier_kT"),
        ("damping: {value: 0.012", "damping: {value: -1", "not a positive"),
        ("damping: {value: 0.012", "damping: {value: .nan", "not a positive"),
        ("damping: {value: 0.012", "damping: {value: much", "not a positive"),
        ("damping: {value: 0.012, source: macrospin40}", "damping: 0.012", "give {value"),
        ("damping: {value: 0.012, source: macrospin40}", "damping: {value: 0.012}", "says neither"),
        ("damping: {value: 0.012, source: macrospin40}", "damping: {value: 0.012, source: nobody}", "not under works"),
        ("damping: {value: 0.012, source: macrospin40}", "damping: {value: 0.012, source: [x]}", "not under works"),
        ("pulse_limit_s: {value: 9.5e-9", "pulse_limit_s: {value: 9.0e-12", "fins do not write"),
        ("polarization: {value: 0.6", "polarization: {value: 1.0e-300", "out of any physical range|do not write"),
        (
            "saturation_A_per_m: {value: 1.05e6",
            "saturation_A_per_m: {value: 1.0e300",
            "out of any physical range|do not write",
        ),
        ("free_layer_m: {value: 1.3e-9", "free_layer_m: {value: 1.0e-320", "out of any physical range|do not write"),
    ],
)
def test_faulty_figures_are_refused_in_one_line(tmp_path, old, new, says):
    path = changed(tmp_path, "stt", (old, new))
    with pytest.raises(InputError, match=says) as caught:
        design_cell(str(path))
    assert "\n" not in str(caught.value)


def test_missing_directories_and_huge_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        design_cell(str(tmp_path / "none.yaml"))
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    with pytest.raises(InputError, match="a directory, not a YAML file"):
        design_cell(str(folder))
    big = tmp_path / "big.yaml"
    big.write_text("#" * (2 << 20))
    with pytest.raises(InputError, match="larger than 1 MiB"):
        design_cell(str(big))
    with pytest.raises(InputError, match=r"sram, .*stt"):
        design_cell("flash")
    with pytest.raises(InputError, match="not a name"):
        design_cell(3)


def test_the_package_names_its_cells():
    assert {"sot", "sram", "sram-hd", "sram8t", "stt"} <= set(cell_names())


def test_ports_take_wires_either_way_and_leak_as_the_cells_own_devices():
    one, two, four = (design_cell("sram", ports=ports) for ports in (1, 2, 4))
    pitch = nodes.load_node("16nm").wires["local"].pitch_m
    assert four.width_m - one.width_m == pytest.approx(6 * pitch)
    assert four.height_m - two.height_m == pytest.approx(4 * pitch)
    assert four.leakage_W - one.leakage_W == pytest.approx(3 * (two.leakage_W - one.leakage_W))
    low = [design_cell("sram", ports=ports, cell_leakage="ptm-lstp").leakage_W for ports in (1, 2)]
    assert low[1] / low[0] == pytest.approx(two.leakage_W / one.leakage_W)
    with pytest.raises(InputError, match="one port"):
        design_cell("stt", ports=2)
