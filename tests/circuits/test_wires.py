"""Wires against the older tool's printed figures, and the laws of repeated wires."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from circuits.array.assumptions import load_assumptions
from circuits.array.designed import metal_of, process_of
from circuits.array.gates import Inverter, horowitz, steady
from circuits.array.tree import run
from circuits.devices.node import load_node

REFERENCE = Path(__file__).parents[1] / "reference" / "nvsim_wires.csv"
LEVELS = {"local_conservative": "local", "semi_conservative": "intermediate", "global_conservative": "global"}
ROWS = [
    row
    for row in csv.DictReader(REFERENCE.read_text().splitlines())
    if row["wire"] in LEVELS and row["node_nm"] in ("45", "32", "22")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['node_nm']}-{row['wire']}")
def test_planar_wires_equal_the_published_model(row):
    wire = load_node(f"{row['node_nm']}nm", 350).wires[LEVELS[row["wire"]]]
    assert wire.ohm_per_m * 1e-6 == pytest.approx(float(row["R_ohm_per_um"]), rel=1e-3)
    assert wire.F_per_m * 1e9 == pytest.approx(float(row["C_fF_per_um"]), rel=1e-3)
    assert wire.pitch_m * 1e9 == pytest.approx(float(row["pitch_nm"]))


def wire(node, style, length_m, slack=1.0):
    at = load_node(node)
    given = replace(load_assumptions("default"), repeater_slack=slack)
    return run(process_of(at), given, None, metal_of(at, "global", style), length_m)


@pytest.mark.parametrize("node", ["45nm", "32nm", "22nm", "16nm"])
def test_repeaters_pay_on_long_wires_only(node):
    assert wire(node, "repeated", 5e-3).delay_s < wire(node, "bare", 5e-3).delay_s
    assert wire(node, "bare", 20e-6).delay_s < wire(node, "repeated", 20e-6).delay_s
    assert wire(node, "repeated", 2e-3).delay_s == pytest.approx(2 * wire(node, "repeated", 1e-3).delay_s)


@pytest.mark.parametrize("slack", [0.6, 0.8, 1.25, 1.6, 2.5])
def test_no_spacing_beats_the_optimal_one_in_delay_and_wider_saves_power(slack):
    best, other = (wire("16nm", "repeated", 1e-3, s) for s in (1.0, slack))
    assert other.delay_s >= best.delay_s * (1 - 0.02)  # the optimum of 0.7 RC repeaters, within its approximations
    assert (other.leakage_W < best.leakage_W) == (slack > 1)


def test_a_wire_grows_hotter_and_more_resistive():
    cold, hot = (load_node("16nm", t).wires["local"].ohm_per_m for t in (300, 400))
    assert hot / cold == pytest.approx((1 + 0.0039 * 107) / (1 + 0.0039 * 7))


def test_horowitz_is_rc_for_a_step_and_steady_is_its_fixed_point():
    tau, gain = 1e-12, 0.5
    assert horowitz(tau, gain, 1e30) == pytest.approx(0.6931 * tau, rel=1e-3)
    delay = steady(tau, gain)
    assert horowitz(tau, gain, 0.5 / delay) == pytest.approx(delay)


def test_fan_out_of_four_is_some_ten_picoseconds_at_16nm_and_slower_before():
    delays = [Inverter.of(load_node(name)).fan_out_4_s for name in ("16nm", "32nm", "45nm")]
    assert 5e-12 < delays[0] < 20e-12
    assert delays[1] < delays[2]
