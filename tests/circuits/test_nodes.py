"""Nodes against each other: what shrinks, what heat and supply do, what thin copper costs."""

import itertools
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import design_cache, design_cell
from circuits.array.gates import Inverter
from circuits.devices.node import FOLDER, load_node, node_names
from circuits.devices.wire import Scattering, resistivity
from circuits.errors import InputError

FIN = ["16nm", "14nm", "10nm", "7nm", "5nm", "3nm"]
COPPER = Scattering(1.68e-8, 39e-9, 0.52, 0.43, 1.0)


@pytest.mark.parametrize("cell", ["sram", "sram-hd", "stt", "sot"])
def test_cells_never_grow_from_node_to_node(cell):
    areas = [design_cell(cell, name).area_m2 for name in FIN]
    assert all(a >= b for a, b in itertools.pairwise(areas))
    assert areas[-1] < areas[0] / 2


def test_gates_grow_faster_from_fin_node_to_fin_node_and_local_wires_more_resistive():
    delays = [Inverter.of(load_node(name)).fan_out_4_s for name in FIN]
    ohms = [load_node(name).wires["local"].ohm_per_m for name in FIN]
    assert delays == sorted(delays, reverse=True)
    assert ohms == sorted(ohms)


@pytest.mark.parametrize("name", node_names())
def test_a_lower_supply_is_slower_and_leaks_less(name):
    nominal = load_node(name).vdd_V
    nodes = [load_node(name, vdd_V=part * nominal) for part in (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25)]
    for low, high in itertools.pairwise(nodes):
        assert low.vdd_V < high.vdd_V
        assert Inverter.of(low).fan_out_4_s > Inverter.of(high).fan_out_4_s
        assert low.off_current_A_per_m < high.off_current_A_per_m
        assert low.leak_W(1.0) < high.leak_W(1.0)
        assert low.on_n_A_per_m < high.on_n_A_per_m


def test_the_effective_resistance_follows_the_mean_switching_current():
    """At 16 nm Vth is 0.163 V: from 0.8 to 0.6 V, Vdd over ((Vdd - Vth) + (Vdd/2 - Vth)) rises by 1.142."""
    high, low = (load_node("16nm", 300, vdd_V=v).resistance(1.0) for v in (0.8, 0.6))
    mean = [(v - 0.163) + (v / 2 - 0.163) for v in (0.8, 0.6)]
    assert low / high == pytest.approx(0.6 / mean[1] / (0.8 / mean[0]), rel=1e-9)


@pytest.mark.parametrize("name", node_names())
def test_the_nodes_own_supply_changes_nothing_but_the_note(name):
    plain, given_ = load_node(name), load_node(name, vdd_V=load_node(name).vdd_V)
    assert given_.off_current_A_per_m == plain.off_current_A_per_m
    assert given_.transistors == plain.transistors
    assert any("supply of" in note for note in given_.assumptions)


@pytest.mark.parametrize("name", node_names())
def test_heat_weakens_the_on_current_and_raises_wires(name):
    cold, hot = load_node(name, 300), load_node(name, 400)
    assert hot.on_n_A_per_m < cold.on_n_A_per_m
    assert all(hot.wires[level].ohm_per_m > wire.ohm_per_m for level, wire in cold.wires.items())


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (0.3, "out of range"),
        (2, "out of range"),
        ("low", "not a number"),
        (math.nan, "out of range"),
        (-1, "0.48 to 1"),
    ],
)
def test_a_supply_beyond_the_law_is_refused_in_one_line(value, says):
    with pytest.raises(InputError, match=says) as caught:
        load_node("16nm", vdd_V=value)
    assert "\n" not in str(caught.value)
    assert "vdd" in str(caught.value)


def test_thick_copper_is_bulk_and_both_scatterings_add():
    assert resistivity(COPPER, 1e-3, 1e-3, 293) == pytest.approx(1.68e-8, rel=1e-4)
    smooth = Scattering(1.68e-8, 39e-9, 0.999999, 0.43, 1.0)
    clear = Scattering(1.68e-8, 39e-9, 0.52, 1e-9, 1.0)
    w, h = 20e-9, 40e-9
    only_surface = 1.68e-8 * (1 + 3 / 8 * 0.48 * 39e-9 * (1 / w + 1 / h))
    assert resistivity(clear, w, h, 293) == pytest.approx(only_surface, rel=1e-6)
    both = resistivity(smooth, w, h, 293) + resistivity(clear, w, h, 293) - 1.68e-8
    assert resistivity(COPPER, w, h, 293) == pytest.approx(both, rel=1e-4)


def test_the_roadmaps_resistivity_at_16_nm_follows_from_scattering():
    """ITRS 2011 gives 4.2e-8 ohm m for the 32 nm wide copper that the 16 nm node takes it for."""
    assert resistivity(COPPER, 27.8e-9, 58.7e-9, 293) == pytest.approx(4.2e-8, rel=0.2)


@given(st.floats(5e-9, 1e-6), st.floats(1.05, 3), st.floats(300, 400))
def test_narrower_or_hotter_copper_is_more_resistive(width, factor, temperature):
    wide, narrow = (resistivity(COPPER, w, 2 * w, temperature) for w in (width * factor, width))
    assert narrow > wide > 1.68e-8
    assert resistivity(COPPER, width, 2 * width, temperature) < resistivity(COPPER, width, 2 * width, temperature + 10)


def test_heat_raises_thin_copper_by_less_than_bulk():
    thin, thick = (resistivity(COPPER, w, w, 400) / resistivity(COPPER, w, w, 300) for w in (15e-9, 1e-3))
    assert 1 < thin < thick


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("specularity: {value: 0.52", "specularity: {value: 1.5", "below 1"),
     ("  scattering:", "  scatering:", "did you mean scattering"),
     ("grain_widths: {value: 1.0", "grain_width: {value: 1.0", "did you mean grain_widths"),
     ("mean_free_path_m: {value: 39.0e-9", "mean_free_path_m: {value: -1", "not a positive"),
     ("threshold_V:\n    value: 0.175", "threshold_V:\n    value: 0.9", "not below vdd_V")],
)  # fmt: skip
def test_faulty_nodes_are_refused_in_one_line(tmp_path, old, new, says):
    text = (FOLDER / "7nm.yaml").read_text()
    assert old in text
    path = Path(tmp_path / f"{random.randrange(10**9)}.yaml")
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=says) as caught:
        load_node(str(path))
    assert "\n" not in str(caught.value)


def test_every_figure_of_a_node_is_sourced_and_each_work_is_used():
    for name in FIN:
        at = load_node(name)
        text = (FOLDER / f"{name}.yaml").read_text()
        cited = text[text.index("\nworks:") :]
        listed = [line.split(":")[0].strip() for line in cited.splitlines() if line.startswith("  ") and line[2] != " "]
        for key in listed:
            assert f"source: {key}" in text, f"{name}: {key}"
        assert set(at.works) <= set(listed)


def test_a_lower_supply_makes_a_cache_slower_and_thriftier():
    low, high = (design_cache("sram", "16nm", 2**20, vdd_V=vdd_V) for vdd_V in (0.7, 0.8))
    assert (low.vdd_V, high.vdd_V) == (0.7, 0.8)
    assert low.read_latency_s > high.read_latency_s
    assert low.read_energy_J < high.read_energy_J
    assert low.leakage_W < high.leakage_W
    assert design_cache("sram", "16nm", 2**20).vdd_V == 0.8
