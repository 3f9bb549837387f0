"""Caches: the contract's fields, laws over capacity, temperature and target, and every bad input."""

import itertools
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import CacheDesign, cache_front, design_cache
from circuits.array.cache import TOTALS, Totals
from circuits.cache import banks
from circuits.cache.banks import Maker
from circuits.cache.targets import FIGURES, TARGETS
from circuits.cells.design import FOLDER
from circuits.devices.node import load_node
from circuits.errors import InputError
from circuits.overrides import overridden

MiB = 1 << 20
CONTRACT = ("cell", "node", "capacity_bytes", "ways", "line_bytes", "read_latency_s", "write_latency_s",
            "read_energy_J", "write_energy_J", "leakage_W", "area_m2", "organization", "searched")  # fmt: skip
NUMBERS = CONTRACT[5:11]


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
@pytest.mark.parametrize("mebibytes", [3, 7, 10])
def test_the_contract_at_capacities_that_are_no_power_of_two(cell, mebibytes):
    design = design_cache(cell, "16nm", f"{mebibytes}MiB", 16, 128, "edap")
    assert isinstance(design, CacheDesign)
    document = json.loads(json.dumps(design.as_dict()))
    assert set(CONTRACT) <= set(document)
    assert document["capacity_bytes"] == mebibytes * MiB
    assert all(math.isfinite(document[name]) and document[name] > 0 for name in NUMBERS)
    data = document["organization"]["data"]
    held = data["rows"] * data["columns"] * data["subarrays"]
    assert held >= 8 * mebibytes * MiB
    assert held <= 1.02 * 8 * mebibytes * MiB
    assert document["searched"] > 1000
    assert document["works"]
    assert all(design.works.values())
    frame = design.as_frame()
    assert len(frame) == 1
    assert frame.loc[0, "area_m2"] == design.area_m2


def test_area_ratios_at_3_mib():
    """DeepNVM++ (published abstract): 2.4 and 2.8 less area than SRAM at equal capacity."""
    sram, stt, sot = (design_cache(cell, "16nm", 3 * MiB).area_m2 for cell in ("sram", "stt", "sot"))
    assert sram / stt == pytest.approx(2.4, rel=0.15)
    assert sram / sot == pytest.approx(2.8, rel=0.15)


CAPACITIES = [int(m * MiB) for m in (0.25, 0.5, 0.75, 1, 1.25, 2, 3, 3.75, 4, 4.25, 6, 8, 10, 16, 32)]


def designs(cell, capacity, targets):
    """Return the best cache under each target; asked one after the other, they are chosen from one search."""
    return {target: design_cache(cell, "16nm", capacity, target=target) for target in targets}


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
def test_area_grows_with_capacity_and_so_does_srams_leakage(cell):
    grown = [designs(cell, capacity, ("edap", "area")) for capacity in CAPACITIES]
    for target in ("edap", "area"):
        areas = [by_target[target].area_m2 for by_target in grown]
        assert areas == sorted(areas), target
        if cell == "sram":
            leakages = [by_target[target].leakage_W for by_target in grown]
            assert leakages == sorted(leakages), target


def test_the_best_value_never_falls_as_capacity_grows():
    targets = ("read-latency", "write-latency", "read-energy", "leakage", "edap")
    grown = [designs("stt", capacity, targets) for capacity in CAPACITIES]
    for target in targets:
        values = [value(by_target[target], target) for by_target in grown]
        assert all(a <= b * 1.01 for a, b in itertools.pairwise(values)), target


def value(design, target):
    if target == "edap":
        energy = (design.read_energy_J + design.write_energy_J) / 2
        return energy * (design.read_latency_s + design.write_latency_s) / 2 * design.area_m2
    if target in ("area", "leakage"):
        return design.area_m2 if target == "area" else design.leakage_W
    name = target.replace("-", "_")
    return getattr(design, name + {"latency": "_s", "energy": "_J"}[target.rsplit("-", 1)[-1]])


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
@pytest.mark.parametrize("mebibytes", [1, 4, 8])
def test_no_jump_across_a_power_of_two(cell, mebibytes):
    """The least latency, energy, area, leakage and energy x delay x area change by a few per cent with a set more."""
    targets = ("edap", "read-latency", "write-latency", "read-energy", "area", "leakage")
    near = [designs(cell, mebibytes * MiB + sets * 2048, targets) for sets in (-1, 0, 1)]
    for target in targets:
        below, at, above = (value(by_target[target], target) for by_target in near)
        assert below == pytest.approx(at, rel=0.08), target
        assert above == pytest.approx(at, rel=0.08), target


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
@pytest.mark.parametrize("mebibytes", [1, 4, 8])
def test_an_organisation_kept_across_a_power_of_two_changes_little(cell, mebibytes):
    """The same mats with a row more: every figure follows."""
    found = design_cache(cell, "16nm", mebibytes * MiB)
    for sets in (-1, 1):
        near = design_cache(cell, "16nm", mebibytes * MiB + sets * 2048, organization=found.organization)
        for name in NUMBERS:
            assert getattr(near, name) == pytest.approx(getattr(found, name), rel=0.15), name


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
@pytest.mark.parametrize("node", ["16nm", "22nm", "32nm", "45nm"])
def test_hotter_leaks_more(cell, node):
    leakages = [design_cache(cell, node, MiB, temperature_K=t).leakage_W for t in (300, 350, 400)]
    assert leakages == sorted(leakages)
    assert leakages[2] > leakages[0]


def test_leakage_schools_are_ordered_as_their_off_currents():
    low, middle, high = (design_cache("sram", "16nm", MiB, leakage=s) for s in ("ptm-lstp", "ptm-hp", "nvsim-22nm"))
    assert low.leakage_W < middle.leakage_W < high.leakage_W
    assert any("leakage school ptm-hp" in line for line in middle.assumptions)


def scored(target, design):
    totals = dict.fromkeys(TOTALS, 0.0) | {short: getattr(design, name) for name, short in FIGURES.items()}
    return TARGETS[target][1].score(Totals(**totals))


def test_each_target_is_best_under_itself():
    by_target = {name: design_cache("sot", "16nm", MiB, target=name) for name in TARGETS}
    for target in TARGETS:
        score = {name: scored(target, design) for name, design in by_target.items()}
        assert score[target] <= min(score.values()) * (1 + 1e-12), target


def test_what_is_chosen_from_banks_searched_before_is_what_a_search_finds(monkeypatch):
    monkeypatch.setattr(banks, "_SEARCHES", banks._Recent(0))
    anew = [
        design_cache(cell, "16nm", "64KiB", target=target) for target in ("edap", "area") for cell in ("sram", "stt")
    ]
    monkeypatch.setattr(banks, "_SEARCHES", banks._Recent(12))
    for design in anew:
        assert design_cache(design.cell, "16nm", "64KiB", target=design.target) == design
        with overridden({"16nm.wires.global.resistivity_ohm_m": 1e-6}):
            slower = design_cache(design.cell, "16nm", "64KiB", target=design.target)
        assert slower.read_latency_s > design.read_latency_s
        assert design_cache(design.cell, "16nm", "64KiB", target=design.target) == design


@pytest.mark.parametrize("cell", ["sram", "stt"])
def test_modes_trade_energy_for_latency(cell):
    modes = {
        mode: design_cache(cell, "16nm", MiB, target="read-latency", mode=mode)
        for mode in ("normal", "fast", "sequential")
    }
    assert modes["fast"].read_latency_s <= modes["sequential"].read_latency_s
    assert modes["sequential"].read_energy_J < modes["fast"].read_energy_J
    assert {d.mode for d in modes.values()} == set(modes)


def test_bare_wires_are_slower_in_a_large_cache():
    assert (design_cache("sram", "16nm", 16 * MiB, wires="unrepeated").read_latency_s
            > design_cache("sram", "16nm", 16 * MiB).read_latency_s)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["sram", "stt", "sot"]),
    st.sampled_from(["16nm", "22nm", "45nm"]),
    st.integers(1, 64),
    st.sampled_from([16, 32, 64, 128, 256, 512]),
    st.integers(1, 5000),
)
def test_any_number_of_sets_ways_and_lines_builds(cell, node, ways, line, sets):
    design = design_cache(cell, node, sets * ways * line, ways, line)
    assert all(math.isfinite(getattr(design, name)) and getattr(design, name) > 0 for name in NUMBERS)
    data = design.organization["data"]
    assert data["rows"] * data["columns"] * data["subarrays"] >= 8 * sets * ways * line


def test_the_largest_and_the_smallest_cache_build():
    assert design_cache("stt", "16nm", 1 << 33).area_m2 > 0
    assert design_cache("sram", "16nm", 16, ways=1, line=16).area_m2 > 0


BAD = [
    ({"cell": "flash"}, "known are"),
    ({"node": "8nm"}, "known are"),
    ({"capacity": 0}, "not positive"),
    ({"capacity": -1}, "not positive"),
    ({"capacity": "3.5 B"}, "not a whole number"),
    ({"capacity": "1e30"}, "1 TiB"),
    ({"capacity": 10**30}, "1 TiB"),
    ({"capacity": 3.5}, "not a size"),
    ({"capacity": float("nan")}, "not a size"),
    ({"capacity": None}, "not a size"),
    ({"capacity": "many"}, "not a size"),
    ({"capacity": "1KiB"}, "less than one set"),
    ({"capacity": MiB + 1}, "whole number of sets"),
    ({"capacity": "9GiB"}, "more than 8 GiB"),
    ({"ways": 0}, "1 to 64"),
    ({"ways": -4}, "1 to 64"),
    ({"ways": 65}, "1 to 64"),
    ({"ways": 2.5}, "1 to 64"),
    ({"ways": True}, "1 to 64"),
    ({"line": 100}, "power of two"),
    ({"line": 8}, "power of two"),
    ({"line": 1024}, "power of two"),
    ({"target": "beauty"}, "known are"),
    ({"target": None}, "known are"),
    ({"mode": "slow"}, "known are"),
    ({"temperature_K": 77}, "300 to 400"),
    ({"leakage": "none"}, "known are"),
    ({"wires": "optical"}, "known are"),
    ({"assumptions": "newest"}, "known are"),
    ({"target": {"beauty": 1}}, "known are"),
    ({"target": {"area_m2": -1}}, "positive number"),
    ({"target": {}}, "none given"),
    ({"limits": {"area_m2": float("nan")}}, "positive number"),
    ({"limits": {"colour": 1}}, "known are"),
    ({"limits": {"area_m2": 1e-12}}, "no organisation"),
    ({"organization": {"mode": "fast", "data": {}}}, "give a design's own organization"),
]


@pytest.mark.parametrize(("changes", "says"), BAD, ids=lambda v: str(v)[:40])
def test_bad_input_is_refused_in_one_line(changes, says):
    with pytest.raises(InputError, match=says) as caught:
        design_cache(**({"cell": "sram", "node": "16nm", "capacity": MiB} | changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("figure", ["offset_V", "sense_capacitance_F", "path_ohm", "free_layer_m", "bias_V"])
@pytest.mark.parametrize("factor", [1e-300, 1e-30, 1e30, 1e300])
def test_absurd_figures_are_refused_or_give_finite_caches(tmp_path, figure, factor):
    text = re.sub(
        rf"({figure}: {{value: )([^,]+)", lambda m: f"{m[1]}{float(m[2]) * factor}", (FOLDER / "stt.yaml").read_text()
    )
    path = tmp_path / "cell.yaml"
    path.write_text(text)
    try:
        design = design_cache(str(path), "16nm", MiB)
    except InputError:
        return
    assert all(0 < getattr(design, name) < math.inf for name in NUMBERS)


def test_numpy_integers_count():
    assert design_cache("sram", "16nm", np.int64(MiB), np.int32(16), np.int16(128)).as_dict()["ways"] == 16


@pytest.mark.parametrize("cell", ["sram", "sot"])
def test_a_limit_is_kept_and_costs_something_else(cell):
    free = design_cache(cell, "16nm", MiB, target="area")
    bound = design_cache(cell, "16nm", MiB, target="area", limits={"read_latency_s": 0.6 * free.read_latency_s})
    assert bound.read_latency_s <= 0.6 * free.read_latency_s
    assert bound.area_m2 > free.area_m2
    loose = design_cache(cell, "16nm", MiB, target="area", limits={"read_latency_s": 2 * free.read_latency_s})
    assert loose.area_m2 == free.area_m2


def test_weights_count_by_their_ratio_however_large():
    plain, huge, tiny = (design_cache("sram", "16nm", "64KiB", target={"area_m2": 2 * by, "read_latency_s": by})
                         for by in (1.0, 1e300, 1e-300))  # fmt: skip
    assert plain.organization == huge.organization == tiny.organization


def test_weights_make_targets():
    edp = design_cache("stt", "16nm", MiB, target="read-edp")
    same = design_cache("stt", "16nm", MiB, target={"read_latency_s": 1, "read_energy_J": 1})
    assert (same.read_latency_s, same.read_energy_J) == (edp.read_latency_s, edp.read_energy_J)
    fast = design_cache("stt", "16nm", MiB, target={"read_latency_s": 8, "read_energy_J": 1})
    assert fast.read_latency_s <= edp.read_latency_s


def test_an_organization_is_kept_and_gives_the_same_figures():
    free = design_cache("stt", "16nm", "3MiB", 12, 64, ecc="secded")
    kept = design_cache("stt", "16nm", "3MiB", 12, 64, ecc="secded", organization=free.organization)
    for name in NUMBERS:
        assert getattr(kept, name) == pytest.approx(getattr(free, name), rel=1e-9), name
    assert kept.organization == free.organization
    assert kept.searched == 1


@pytest.mark.parametrize("cell", ["sram", "stt"])
def test_no_cache_of_the_front_beats_another_and_each_best_lies_on_it(cell):
    figures = ("read_latency_s", "read_energy_J", "area_m2")
    table = cache_front(cell, "16nm", MiB, figures=figures)
    points = table[list(figures)].to_numpy()
    worse = (points[:, None, :] >= points[None, :, :]).all(2) & (points[:, None, :] > points[None, :, :]).any(2)
    assert not worse.any()
    for name, target in (("read_latency_s", "read-latency"), ("read_energy_J", "read-energy"), ("area_m2", "area")):
        assert table[name].min() == pytest.approx(getattr(design_cache(cell, "16nm", MiB, target=target), name))


def test_a_front_over_an_unknown_figure_is_refused():
    with pytest.raises(InputError, match="known are"):
        cache_front("sram", "16nm", MiB, figures=("beauty",))


def test_ports_cost_area_and_leakage_and_no_dynamic_energy_of_their_own():
    designs = [design_cache("sram", "16nm", MiB, target="read-latency", ports=ports) for ports in (1, 2, 4)]
    for name in ("area_m2", "leakage_W", "read_latency_s"):
        values = [getattr(d, name) for d in designs]
        assert values == sorted(values), name
    assert designs[1].area_m2 > 1.3 * designs[0].area_m2
    assert [d.as_dict()["ports"] for d in designs] == [1, 2, 4]
    for wrong in (0, 9, 1.5, True):
        with pytest.raises(InputError, match="1 to 8"):
            design_cache("sram", "16nm", MiB, ports=wrong)
    with pytest.raises(InputError, match="one port"):
        design_cache("stt", "16nm", MiB, ports=2)


def test_cells_of_low_leakage_devices_leak_less_and_read_slower():
    fast, low = (design_cache("sram", "16nm", MiB, target="read-latency", cell_leakage=school)
                 for school in (None, "ptm-lstp"))  # fmt: skip
    assert low.leakage_W < 0.5 * fast.leakage_W
    assert low.read_latency_s > fast.read_latency_s
    assert low.leakage_W > design_cache("sram", "16nm", MiB, target="read-latency", leakage="ptm-lstp").leakage_W
    same = design_cache("sram", "16nm", MiB, target="read-latency", cell_leakage="ptm-hp")
    assert same.leakage_W == pytest.approx(fast.leakage_W)
    tags = design_cache("stt", "16nm", MiB, cell_leakage="ptm-lstp")
    assert tags.parts["tag_leakage_W"] < design_cache("stt", "16nm", MiB).parts["tag_leakage_W"]
    with pytest.raises(InputError, match="known are"):
        design_cache("sram", "16nm", MiB, cell_leakage="none")
    with pytest.raises(InputError, match="asks at 16nm for a threshold"):
        design_cache("sram", "16nm", MiB, leakage="ptm-lstp", cell_leakage="nvsim-22nm")


def test_a_kept_organisation_is_not_refused_for_its_shape():
    """Cells that grow in one direction make a bank that stands at the longest shape longer still."""
    free = design_cache("stt", "16nm", MiB)
    for pitches in (1.2, 1.8):
        with overridden({"stt.finfet.gate_pitches": pitches, "default.figures.highest_aspect": 1.0}):
            assert design_cache("stt", "16nm", MiB, organization=free.organization).area_m2 > 0


def test_a_kept_organisation_that_heat_or_thin_wires_refuse_says_which_limit_and_at_which_value():
    """Idle access devices leak more when hotter: from so many rows on as much as the cell that is read draws."""
    kept = design_cache("stt", "16nm", 3 * MiB, temperature_K=300.0).organization
    assert kept["data"]["rows"] == 192
    hot = Maker.of(load_node("16nm", 400.0), "stt", "default", "repeated")
    most = hot.cell.most_rows(hot.process)
    assert most < 192 < Maker.of(load_node("16nm", 390.0), "stt", "default", "repeated").cell.most_rows(hot.process)
    assert design_cache("stt", "16nm", 3 * MiB, temperature_K=390.0, organization=kept).leakage_W > 0
    with pytest.raises(InputError, match=f"data subarrays have 192 rows; at 400 K, from {most:.0f} rows on, idle"):
        design_cache("stt", "16nm", 3 * MiB, temperature_K=400.0, organization=kept)
    assert design_cache("stt", "16nm", 3 * MiB, temperature_K=400.0).organization["data"]["rows"] <= most
    limit = r"to the farthest row have (\d+) ohm, of at most (\d+)"
    with overridden({"16nm.wires.intermediate.resistivity_ohm_m": 2e-6}), pytest.raises(InputError, match=limit) as no:
        design_cache("stt", "16nm", 3 * MiB, temperature_K=300.0, organization=kept)
    found = re.search(limit, str(no.value))
    assert found is not None
    assert int(found[1]) > int(found[2]) > 0


def test_a_front_has_the_ports_and_the_cells_devices_that_were_asked_for():
    def least(**options):
        return cache_front("sram", "16nm", "64KiB", figures=("area_m2", "leakage_W"), mode="normal", **options)

    plain, ported, low = least(), least(ports=2), least(cell_leakage="ptm-lstp")
    assert ported["area_m2"].min() > plain["area_m2"].min()
    assert low["leakage_W"].min() < plain["leakage_W"].min()
    best = design_cache("sram", "16nm", "64KiB", target="area", mode="normal", ports=2)
    assert ported["area_m2"].min() == pytest.approx(best.area_m2)
