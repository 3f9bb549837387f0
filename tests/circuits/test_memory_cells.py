"""Cells beyond SRAM and MRAM: published areas, laws of sensing, writing, refresh and retention, faulty files."""

import csv
import json
import math
import re
from pathlib import Path

import pytest

from circuits import design_cache, design_cell
from circuits.cells.design import FOLDER, cell_names
from circuits.cells.spread import read_spreads
from circuits.devices.node import load_node, node_names
from circuits.errors import InputError
from circuits.overrides import overridden

MiB = 1 << 20
REFERENCE = Path(__file__).parents[1] / "reference" / "memory_cells.csv"
PUBLISHED = list(csv.DictReader(REFERENCE.read_text().splitlines()))
NEW = ["sram8t", "reram", "pcm", "fefet", "edram", "gain"]
NODES = ["45nm", "32nm", "22nm", "16nm"]
POSITIVE = ("area_m2", "sense_latency_s", "sense_energy_J", "set_latency_s", "reset_latency_s", "set_energy_J",
            "reset_energy_J", "read_current_A", "write_current_A", "signal_A")  # fmt: skip
FIGURES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W", "area_m2")


def edited(tmp_path: Path, name: str, **figures: float) -> str:
    """Return a user's file: one of ours with some figures replaced."""
    text = (FOLDER / f"{name}.yaml").read_text()
    for figure, value in figures.items():
        pattern = rf"(\b{figure}:\s*(?:\{{\s*)?value: )([^,\n}}]+)"
        assert re.search(pattern, text), figure
        text = re.sub(pattern, lambda m, v=value: f"{m[1]}{v}", text)
    path = tmp_path / f"{name}-{abs(hash(tuple(figures.items())))}.yaml"
    path.write_text(text)
    return str(path)


def test_all_cells_come_with_the_package():
    assert set(NEW) <= set(cell_names())


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["name"])
def test_areas_stand_beside_the_published_ones(row):
    areas = [design_cell(name, row["node"]).area_m2 for name in row["cell"].split("/")]
    ours = areas[0] / areas[1] if len(areas) == 2 else areas[0]
    assert ours == pytest.approx(float(row["area_m2"]), rel=float(row["tolerance"]))


@pytest.mark.parametrize("node", NODES)
def test_the_order_of_areas(node):
    area = {name: design_cell(name, node).area_m2 for name in cell_names()}
    assert area["sram8t"] > area["sram"] >= area["sram-hd"] > area["gain"] > area["edram"]
    assert area["sram-hd"] > area["reram"]
    assert area["sram-hd"] > area["pcm"]
    assert area["gain"] > area["fefet"]


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("node", NODES)
def test_every_cell_stands_at_every_node_and_in_a_cache(name, node):
    document = json.loads(json.dumps(design_cell(name, node).as_dict(), allow_nan=False))
    assert (document["cell"], document["node"]) == (name, node)
    assert all(0 < document[key] < 1 for key in POSITIVE), document
    assert document["works"]
    assert document["assumptions"]
    design = design_cache(name, node, MiB)
    assert all(0 < getattr(design, figure) < math.inf for figure in FIGURES)
    assert (design.refresh_W > 0) == (name in ("edram", "gain"))
    assert design.refresh_W < design.leakage_W


@pytest.mark.parametrize("name", NEW)
def test_heat_keeps_the_layout_and_forgets_sooner(name):
    cold, hot = (design_cell(name, temperature_K=t) for t in (300, 400))
    assert (cold.area_m2, cold.fins) == (hot.area_m2, hot.fins)
    assert hot.leakage_W >= cold.leakage_W
    if cold.retention_s is not None and hot.retention_s is not None:
        assert hot.retention_s < cold.retention_s


@pytest.mark.parametrize("name", ["reram", "pcm"])
def test_a_higher_resistance_ratio_senses_sooner(tmp_path, name):
    low = design_cell(name).device["low_ohm"]
    cells = [design_cell(edited(tmp_path, name, high_ohm=low * ratio)) for ratio in (14, 20, 50, 100)]
    times = [cell.sense_latency_s for cell in cells]
    assert times == sorted(times, reverse=True)
    assert times[0] > times[-1]
    caches = [design_cache(edited(tmp_path, name, high_ohm=low * ratio), "16nm", MiB, target="read-latency")
              for ratio in (14, 50)]  # fmt: skip
    assert caches[0].read_latency_s > caches[1].read_latency_s


@pytest.mark.parametrize("name", ["reram", "pcm", "fefet"])
@pytest.mark.parametrize(("figure", "values"), [("residual", (0.1, 0.2, 0.3)), ("error_rate", (1e-4, 1e-5, 1e-6)),
                                                ("corner_sigmas", (1, 3, 4))])  # fmt: skip
def test_more_mismatch_or_fewer_errors_sense_later(tmp_path, name, figure, values):
    cells = [design_cell(edited(tmp_path, name, **{figure: v})) for v in values]
    assert sorted(cells, key=lambda cell: cell.sense_latency_s) == cells
    assert sorted(cells, key=lambda cell: -cell.signal_A) == cells
    assert len({cell.sense_latency_s for cell in cells}) == 3
    assert len({cell.device["half_difference_A"] for cell in cells}) == 1


@pytest.mark.parametrize("name", ["reram", "pcm"])
def test_a_longer_pulse_costs_more_energy_and_time(tmp_path, name):
    short, long = (design_cell(edited(tmp_path, name, set_pulse_s=t)) for t in (100e-9, 200e-9))
    assert long.set_latency_s == pytest.approx(2 * short.set_latency_s)
    assert long.set_energy_J == pytest.approx(2 * short.set_energy_J)
    assert long.reset_energy_J == short.reset_energy_J


def test_write_energy_is_supply_times_current_times_pulse():
    pcm = design_cell("pcm")
    current = 4.0e11 * math.pi / 4 * (20e-9) ** 2
    assert pcm.device["reset_A"] == pytest.approx(current)
    assert pcm.reset_energy_J == pytest.approx(2.0 * current * 40e-9)
    reram = design_cell("reram")
    assert reram.set_energy_J == pytest.approx(1.8 * 0.5 / 7000 * 400e-9)


def test_a_wider_contact_asks_for_more_current_and_fins(tmp_path):
    cells = [design_cell(edited(tmp_path, "pcm", contact_diameter_m=d)) for d in (10e-9, 15e-9, 20e-9)]
    currents = [cell.device["reset_A"] for cell in cells]
    assert currents[2] / currents[0] == pytest.approx((20 / 10) ** 2)
    fins = [cell.fins["access"] for cell in cells]
    assert fins == sorted(fins)
    assert fins[2] > fins[0]


def test_a_phase_change_cell_sets_slowly_and_resets_with_more_current():
    cell = design_cell("pcm")
    assert cell.set_latency_s > cell.reset_latency_s
    assert cell.device["reset_A"] > cell.device["set_A"]


@pytest.mark.parametrize("name", ["edram", "gain"])
def test_refresh_power_halves_when_retention_doubles(tmp_path, name):
    leak = {"edram": 4.7e-11, "gain": 5.0e-13}[name]
    cells = [edited(tmp_path, name, leak_A=leak * part) for part in (1, 0.5)]
    kept = [design_cell(path).retention_s for path in cells]
    assert kept[1] == pytest.approx(2 * kept[0])  # type: ignore[operator]
    one, two = (design_cache(path, "16nm", MiB, target="read-latency") for path in cells)
    assert two.refresh_W == pytest.approx(one.refresh_W / 2, rel=1e-9)
    assert one.leakage_W - one.refresh_W > two.leakage_W - two.refresh_W > 0  # the cells themselves leak less
    assert one.area_m2 == two.area_m2


@pytest.mark.parametrize("name", ["edram", "gain"])
def test_refresh_power_grows_with_capacity_and_heat(name):
    powers = [design_cache(name, "16nm", size * MiB).refresh_W for size in (1, 4, 16)]
    assert powers == sorted(powers)
    assert powers[2] > 8 * powers[0]
    cold, hot = (design_cache(name, "16nm", MiB, temperature_K=t).refresh_W for t in (300, 360))
    assert hot > cold


def test_a_dram_read_is_destructive_and_pays_for_the_write_back(tmp_path):
    cell = design_cell("edram")
    assert cell.as_dict()["destructive_read"] is True
    assert cell.device["write_back_s"] == cell.set_latency_s
    assert design_cell("gain").as_dict()["destructive_read"] is False
    little, much = (design_cache(edited(tmp_path, "edram", storage_F=c), "16nm", MiB, target="read-energy")
                    for c in (18e-15, 36e-15))  # fmt: skip
    assert much.read_energy_J > little.read_energy_J
    # the charge of every column of the open row is taken again, not of the word alone
    data = little.organization["data"]
    columns = data["columns"] * data["active_subarrays"]
    assert little.read_energy_J > columns * 18e-15 * 0.8**2 / 2


def test_a_larger_capacitor_keeps_longer_and_signals_more(tmp_path):
    small, large = (design_cell(edited(tmp_path, "edram", storage_F=c)) for c in (10e-15, 20e-15))
    assert large.retention_s == pytest.approx(2 * small.retention_s)  # type: ignore[operator]
    assert large.device["signal_V"] > small.device["signal_V"]


def test_a_capacitor_too_small_for_the_offset_fits_no_organisation(tmp_path):
    path = edited(tmp_path, "edram", storage_F=1e-18)
    with pytest.raises(InputError):
        design_cache(path, "16nm", MiB)


def test_published_retention_is_met_where_it_was_published(tmp_path):
    published_s = 18e-15 * 0.25 * 1.05 / 4.7e-11
    assert published_s == pytest.approx(100e-6, rel=0.01)
    held = design_cell("gain", temperature_K=300).device["storage_F"]
    assert held * 0.25 * 0.6 / 5.0e-13 == pytest.approx(77e-6, rel=0.02)


def test_a_gain_cell_may_have_two_transistors(tmp_path):
    text = re.sub(r"\n    read: [^\n]+", "", (FOLDER / "gain.yaml").read_text())
    path = tmp_path / "two.yaml"
    path.write_text(text)
    two, three = design_cell(path), design_cell("gain")
    assert set(two.fins) == {"write", "store"}
    assert two.read_current_A > three.read_current_A
    assert design_cache(str(path), "16nm", MiB).area_m2 > 0


def test_ferroelectric_window_pulse_and_energy(tmp_path):
    cell = design_cell("fefet", "22nm")
    assert cell.device["memory_window_V"] == pytest.approx(2 * 1e8 * 10e-9 * 0.75)
    assert cell.set_latency_s == pytest.approx(10e-9, rel=0.05)
    assert design_cell(edited(tmp_path, "fefet", write_V=3), "22nm").set_latency_s == pytest.approx(250e-9, rel=0.05)
    assert cell.set_energy_J == pytest.approx(2 * 0.2 * 2 * 22e-9 * 28e-9 * 4.2)
    assert cell.write_latency_s == cell.set_latency_s + cell.reset_latency_s


def test_a_wider_memory_window_signals_more_until_the_write_no_longer_turns_every_film_over(tmp_path):
    cells = [design_cell(edited(tmp_path, "fefet", thickness_m=t * 1e-9)) for t in (6.7, 7, 7.5, 8)]
    for figures in ([cell.signal_A for cell in cells], [cell.device["half_difference_A"] for cell in cells]):
        assert figures == sorted(figures)
        assert figures[0] < figures[-1]
    with pytest.raises(InputError, match=r"no signal is left at read\.error_rate"):
        design_cell(edited(tmp_path, "fefet", thickness_m=16e-9))


@pytest.mark.parametrize(
    ("name", "figures", "says"),
    [
        ("reram", {"high_ohm": 100}, "not above low_ohm"),
        ("reram", {"high_ohm": 20000}, "no signal is left at read.error_rate"),
        ("pcm", {"error_rate": 1e-300}, "no signal is left at read.error_rate"),
        ("pcm", {"error_rate": 0.5}, "less than 0.5"),
        ("reram", {"bit_line_V": 0.5}, "do not pass the write currents"),
        ("pcm", {"reset_A_per_m2": 1e16}, "do not pass the write currents"),
        ("edram", {"droop_share": 0.6}, "less than 0.5"),
        ("gain", {"droop_share": 0.95}, "no read current"),
        ("fefet", {"thickness_m": 1e-20}, "gives no signal"),
        ("edram", {"leak_A": -1}, "not a positive"),
    ],
)
def test_absurd_figures_are_refused_in_one_line(tmp_path, name, figures, says):
    path = edited(tmp_path, name, **figures)
    with pytest.raises(InputError, match=says) as caught:
        design_cell(path)
    assert "\n" not in str(caught.value)
    assert Path(path).name in str(caught.value)


@pytest.mark.parametrize("name", NEW)
def test_unknown_and_missing_keys_are_refused(tmp_path, name):
    text = (FOLDER / f"{name}.yaml").read_text()
    path = tmp_path / "cell.yaml"
    path.write_text(text + "colour: red\n")
    with pytest.raises(InputError, match=r"cell\.yaml: colour: unknown key"):
        design_cell(path)
    section = "read" if name in ("sram8t", "edram", "gain") else "sense"
    path.write_text(re.sub(rf"\n{section}:\n", f"\n{section}:\n  shade: {{value: 1, assumed: x}}\n", text))
    with pytest.raises(InputError, match=rf"{section}\.shade: unknown key"):
        design_cell(path)
    path.write_text(re.sub(rf"\n{section}:\n(  [^\n]*\n)+", "\n", text))
    with pytest.raises(InputError, match=f"{section}: missing"):
        design_cell(path)


def test_rows_are_refreshed_within_their_share_of_time(tmp_path):
    short = edited(tmp_path, "gain", leak_A=5.0e-13 * 30)
    rows = [design_cache(path, "16nm", MiB, target="area").organization["data"]["rows"] for path in ("gain", short)]
    assert rows[1] < rows[0]
    with pytest.raises(InputError, match="no organisation"):
        design_cache(edited(tmp_path, "gain", leak_A=5.0e-9), "16nm", MiB)


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("node", node_names())
def test_every_cell_stands_at_every_node_of_the_package(name, node):
    document = design_cell(name, node).as_dict()
    assert all(0 < document[key] < 1 for key in POSITIVE), document


def test_what_forgets_and_what_wears_out_is_said():
    told = {name: design_cell(name).as_dict() for name in cell_names()}
    assert {name for name, cell in told.items() if cell["retention_s"] is None} == {"sram", "sram-hd", "sram8t"}
    assert {name for name, cell in told.items() if cell["refresh_s"]} == {"edram", "gain"}
    assert {name for name, cell in told.items() if cell["endurance_cycles"]} >= {"reram", "pcm", "fefet"}


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("factor", [1e-300, 1e-4, 1e4, 1e300])
def test_absurd_files_are_refused_or_give_finite_caches(tmp_path, name, factor):
    """Every figure of a file, one file each in turn, is moved by the factor."""
    text = (FOLDER / f"{name}.yaml").read_text()
    keys = sorted(set(re.findall(r"^ +(\w+):\s*\{?\s*value:", text, re.MULTILINE)))
    assert len(keys) > 5
    for key in keys[:: max(len(keys) // 5, 1)]:
        value = re.search(rf"\b{key}:\s*\{{?\s*value: ([^,\n}}]+)", text)
        assert value
        path = edited(tmp_path, name, **{key: float(value[1]) * factor})
        try:
            design = design_cache(path, "16nm", MiB // 4, mode="sequential")
        except InputError:
            continue
        assert all(0 < getattr(design, figure) < math.inf for figure in FIGURES), key


@pytest.mark.parametrize("node", NODES)
def test_a_dram_bit_line_is_short_enough_for_its_signal(node):
    design, at, cell = design_cache("edram", node, 4 * MiB, target="area"), load_node(node), design_cell("edram", node)
    rows = design.organization["data"]["rows"]
    line = rows * (at.wires["local"].F_per_m * cell.height_m + at.drain_F(cell.read_drain_m) / 2)
    signal = (0.5 - 0.25) * at.vdd_V * 18e-15 / (18e-15 + line)
    assert signal >= 2 * 0.025
    assert rows >= 64


SPREADS = {
    "sram": {"pelgrom_finfet_V_m"},
    "stt": {"pelgrom_finfet_V_m", "diameter_m", "resistance_area", "magnetoresistance"},
    "reram": {"pelgrom_finfet_V_m", "low_resistance", "high_resistance"},
    "fefet": {"pelgrom_finfet_V_m", "coercive_field", "state_threshold_V"},
    "edram": {"pelgrom_finfet_V_m", "storage", "leak"},
}


@pytest.mark.parametrize("name", SPREADS)
def test_a_cache_rests_on_the_spreads_of_its_own_kind_of_cell(name):
    others = {figure for kind, own in SPREADS.items() for figure in own if kind != name} - SPREADS[name]
    with overridden() as figures:
        design = design_cache(name, capacity="64KiB")
    listed = {line.split("cell.")[1].split(" = ")[0] for line in design.assumptions if line.startswith("spread: cell.")}
    read = {figure.removeprefix("spread.cell.") for figure in figures if figure.startswith("spread.cell.")}
    for found in (listed, read):
        assert found >= SPREADS[name]
        assert not found & others
    assert ("hfo2013" in design.works) == (name == "reram")


def test_every_spread_that_comes_with_the_package_can_be_read():
    spread, file = read_spreads()
    for part in (spread.cell, spread.die):
        assert all(getattr(part, name) > 0 for name in part.names())
        assert not any(getattr(part.times(0.0), name) for name in part.names())
        with pytest.raises(AttributeError):
            _ = part.height_m
    assert len(file.assumptions) > 30
