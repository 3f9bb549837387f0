"""Mats of subarrays: the older array tool's own figures under its assumptions, its faults mended, laws."""

import importlib.util
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from circuits.array.assumptions import load_assumptions
from circuits.array.bank import evaluate
from circuits.array.cache import Shape, Totals, combine, data_content, tag_content
from circuits.array.decoder import predecode
from circuits.array.logic import drain_F
from circuits.array.organisation import Content, Organisations
from circuits.array.process import Metal
from circuits.array.search import FRONT, TARGETS, Pairs, design_front, front
from circuits.array.space import DATA, NAMES, POWERS, TAG, WHOLE_TAG, explore
from circuits.array.tree import UNLIMITED_m, repeat, run
from circuits.errors import InputError
from circuits.interchange.cell_file import read_cell
from circuits.interchange.tables import load_metal, load_process

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "reference"
OLDER, MENDED = load_assumptions("older"), load_assumptions("mended")


@pytest.fixture(scope="module")
def peer():
    spec = importlib.util.spec_from_file_location("against_peer", ROOT / "benchmarks" / "circuits" / "against_peer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def one(rows=4, columns=4, mux=8, style=0):
    """A bank of `rows` x `columns` mats of 2 x 2 subarrays, of which four mats work."""
    numbers = (rows, columns, 1, 4, 2, 2, 2, 2, mux, 1, 1, style)
    return Organisations(*(np.array([n]) for n in numbers))


def bank(cell="STT", given=OLDER, node=22, bits=1 << 23, at=None, style="bare", temperature_K=350.0, **content):
    with np.errstate(all="ignore"):
        found = evaluate(
            load_process(node, "HP", temperature_K), given, read_cell(REFERENCE / "cells" / f"{cell}.cell"),
            load_metal(node, "local_aggressive"), load_metal(node, "global_aggressive", style=style),
            Content(bits // 512 // content.get("ways", 1), 512, **content), at or one(),
        )  # fmt: skip
    assert found.fits.all()
    return found


@pytest.mark.parametrize("kind", ["ram", "cache"])
def test_older_assumptions_give_the_older_tools_figures(peer, kind):
    table = pd.read_csv(REFERENCE / f"nvsim_{kind}_sample.csv")
    with np.errstate(all="ignore"):
        found = peer.errors(table, OLDER, REFERENCE / "cells")
    assert found.error.max() < 1e-4
    assert len(found) == 6 * len(table)


def test_organisation_follows_from_the_row(peer):
    table = pd.read_csv(REFERENCE / "nvsim_ram_sample.csv")
    with np.errstate(all="ignore"):
        for rows, _, data in peer.evaluated(table, OLDER, REFERENCE / "cells"):
            named = [
                f"{r} Rows x {c} Columns" for r, c in zip(data.rows.astype(int), data.columns.astype(int), strict=True)
            ]
            assert data.fits.all()
            assert named == list(rows.data_subarray)


def test_fault_precharge_left_out():
    """A read pays for charging the bit lines again: at least as much again as they lost."""
    assert bank("SRAM", replace(OLDER, precharge_share=1)).read_J > bank("SRAM").read_J
    assert bank("SRAM", replace(OLDER, precharge_share=1)).write_J == bank("SRAM").write_J


def test_fault_sram_write_waits_for_the_amplifier():
    older, mended = bank("SRAM"), bank("SRAM", replace(OLDER, write_sensing_share=0))
    assert older.read_s - older.tree_s == pytest.approx(older.write_s - older.tree_s / 2)
    assert mended.write_s < older.write_s
    assert mended.read_s == older.read_s


def test_fault_amplifier_leakage_multiplies_the_supply_twice():
    """At 0.9 V a supply counted twice hides a tenth of the amplifiers' leakage."""
    assert bank("STT", replace(OLDER, amplifier_supply_power=1)).leakage_W > bank("STT").leakage_W
    assert bank("STT", replace(OLDER, amplifier_supply_power=1), 45).leakage_W == bank("STT", OLDER, 45).leakage_W


def test_fault_reset_energy_holds_the_set_energy():
    older, mended = bank("PCRAM"), bank("PCRAM", replace(OLDER, reset_carries_set_share=0))
    assert older.reset_J > older.set_J > mended.reset_J  # a RESET of 0.9 V x 300 uA x 40 ns, a SET of 150 uA x 150 ns


def test_fault_second_predecoder_takes_the_firsts_delay():
    process = load_process(22)
    older, mended = (predecode(process, given, np.array([13]), 1e-14) for given in (
        OLDER, replace(OLDER, first_predecoder_delay_share=0)))  # fmt: skip
    assert older.delay_s != mended.delay_s


def test_fault_equal_predecoders_leak_once():
    process = load_process(22)
    older, mended = (predecode(process, given, np.array([12]), 1e-14) for given in (
        OLDER, replace(OLDER, predecoder_copies_share=1)))  # fmt: skip
    assert mended.leakage_W > older.leakage_W
    assert mended.energy_J > older.energy_J


def test_fault_ways_are_not_decoded():
    ways = {"ways": 16, "bits": 1 << 28, "least_columns": 16}
    assert bank("STT", **ways, decoded_ways=True).leakage_W > bank("STT", **ways).leakage_W
    shape = Shape.of(1 << 28, 512, 16)
    assert data_content(MENDED, "normal", shape).decoded_ways
    assert not data_content(OLDER, "normal", shape).decoded_ways


def test_fault_a_way_is_divided_by_the_ways_again():
    shape = Shape.of(1 << 23, 512, 16)
    older, mended = (data_content(given, "normal", shape) for given in (OLDER, MENDED))
    assert (older.way_share, mended.way_share) == (1 / 16, 1)
    assert data_content(MENDED, "fast", shape).way_share == 1 / 16


def test_fault_columns_are_sensed_before_their_way_is_known():
    """Late selection waits for the tags before it senses; of equal tags and data, a read takes longer."""
    older, mended = (bank("STT", replace(OLDER, late_select_share=share), bits=1 << 28, ways=16, least_columns=16)
                     for share in (0, 1))  # fmt: skip
    assert mended.early_s < older.early_s
    assert mended.early_s + mended.rest_s == pytest.approx(older.early_s + older.rest_s)


def test_fault_a_write_does_not_wait_to_know_its_way():
    known = bank("STT", replace(OLDER, known_way_share=1))
    assert bank("STT").known_s == 0
    assert known.known_s == known.read_s
    assert 0 < known.ready_s < known.write_s


def test_fault_an_inverter_leaks_as_in_its_leakier_state():
    assert bank("SRAM", replace(OLDER, leaky_state_share=0)).leakage_W < bank("SRAM").leakage_W


def test_fault_low_swing_wire_without_receiver():
    older, mended = (run(load_process(22), given, read_cell(REFERENCE / "cells" / "STT.cell"),
                         load_metal(22, "global_aggressive", style="low-swing"), np.array([1e-3]))
                     for given in (OLDER, replace(OLDER, swing_amplifier_share=1)))  # fmt: skip
    assert mended.delay_s > older.delay_s
    assert mended.energy_J > older.energy_J


def test_fault_repeater_counts_both_devices():
    metal = load_metal(22, "global_aggressive", style="repeated")
    older, mended = (run(load_process(22), given, read_cell(REFERENCE / "cells" / "STT.cell"), metal, np.array([1e-3]))
                     for given in (OLDER, MENDED))  # fmt: skip
    assert mended.delay_s < older.delay_s


def test_fault_a_span_of_wire_ends_in_a_drain():
    """A span ends in the next repeater's gate; the older model has its drain charged through all of the wire."""
    process, metal = load_process(22), load_metal(22, "global_aggressive", style="repeated")
    older, mended = (run(process, given, read_cell(REFERENCE / "cells" / "STT.cell"), metal, 1e-3)
                     for given in (OLDER, replace(OLDER, repeater_far_drain_share=0)))  # fmt: skip
    n_m = repeat(process, OLDER, metal).n_m
    p_m = n_m * process.p_to_n
    drain = sum(drain_F(process, OLDER, *widths, UNLIMITED_m) for widths in ((n_m, 0.0), (0.0, p_m)))
    late = math.log(2) * metal.ohm_per_m * 1e-3 * (drain - process.gate_F_per_m * (n_m + p_m))
    assert late != 0
    assert older.delay_s - mended.delay_s == pytest.approx(late)
    assert older.energy_J == mended.energy_J


def test_fault_wires_lie_closer_than_their_pitch():
    """As many wires share a row of repeaters as fit between two silicon places; more would need less than a pitch."""
    process, metal = load_process(22), load_metal(22, "global_aggressive", style="repeated")
    older, mended = (repeat(process, given, metal) for given in (OLDER, replace(OLDER, wire_pitch_share=1)))
    assert older.sharing * metal.pitch_m > older.pitch_m
    assert mended.sharing * metal.pitch_m <= mended.pitch_m
    big = {"cell": "SRAM", "bits": 1 << 29, "at": one(32, 32), "style": "repeated"}
    assert bank(**big, given=replace(OLDER, wire_pitch_share=1)).area_m2 > bank(**big).area_m2


def test_fault_bare_global_wires():
    """Repeaters make a large bank faster, most of all with the thin wires of 22 nm."""
    big = {"cell": "SRAM", "bits": 1 << 29, "at": one(32, 32)}
    assert bank(**big, style="repeated", given=MENDED).read_s < bank(**big, given=MENDED).read_s / 2


def test_bare_wire_in_closed_form():
    found = run(load_process(22), OLDER, read_cell(REFERENCE / "cells" / "STT.cell"), Metal(1e6, 1e-10, 1e-7), 1e-3)
    assert found.delay_s == pytest.approx(2.3 * 1e6 * 1e-10 * 1e-6 / 2)
    assert found.energy_J == pytest.approx(1e-13 * 0.9**2)
    assert found.leakage_W == 0


@pytest.mark.parametrize("cell", ["SRAM", "STT", "RRAM", "PCRAM"])
@pytest.mark.parametrize("given", [OLDER, MENDED], ids=["older", "mended"])
def test_monotone_in_capacity(cell, given):
    """More mats of one kind: larger, leakier, slower."""
    found = [bank(cell, given, bits=1 << (19 + 2 * i), at=one(2**i, 2**i)) for i in range(2, 5)]
    for small, large in pairwise(found):
        assert small.area_m2 < large.area_m2
        assert small.leakage_W < large.leakage_W
        assert small.tree_s < large.tree_s


def test_hotter_leaks_more():
    found = [bank("SRAM", temperature_K=t).leakage_W for t in (300.0, 325.0, 350.0, 375.0, 400.0)]
    assert all(a < b for a, b in pairwise(found))


@pytest.mark.parametrize("node", [22, 32, 45, 65, 90, 120, 200])
@pytest.mark.parametrize("roadmap", ["HP", "LSTP", "LOP"])
def test_every_tabulated_process_gives_a_bank(node, roadmap):
    cell = read_cell(REFERENCE / "cells" / "SRAM.cell")
    found = evaluate(load_process(node, roadmap), OLDER, cell, load_metal(node, "local_aggressive"),
                     load_metal(node, "global_aggressive"), Content(1 << 14, 512), one())  # fmt: skip
    assert found.fits.all()
    for name in ("area_m2", "read_s", "write_s", "read_J", "write_J", "leakage_W"):
        assert np.isfinite(getattr(found, name)).all()
        assert (getattr(found, name) > 0).all()


def test_style_trades_area_for_delay():
    fast, small = bank("SRAM", at=one(style=0)), bank("SRAM", at=one(style=2))
    assert fast.read_s < small.read_s
    assert fast.area_m2 > small.area_m2


def test_unknown_names_are_said():
    with pytest.raises(InputError, match="assumptions 'newer'"):
        load_assumptions("newer")
    with pytest.raises(InputError, match="process 7 nm"):
        load_process(7)
    with pytest.raises(InputError, match="wire 'poly'"):
        load_metal(22, "poly")
    with pytest.raises(InputError, match="temperature 200 K"):
        load_process(22, "HP", 200.0)


def parts(cell="STT", node=22, given=OLDER):
    return (load_process(node), given, read_cell(REFERENCE / "cells" / f"{cell}.cell"),
            load_metal(node, "local_aggressive"), load_metal(node, "global_aggressive"))  # fmt: skip


@pytest.mark.parametrize("given", [OLDER, MENDED], ids=["older", "mended"])
@pytest.mark.parametrize("mode", ["normal", "fast", "sequential"])
def test_search_in_closed_form_agrees_with_bank_by_bank(mode, given):
    """Banks made of shared mats cost what each costs when evaluated alone."""
    shape = Shape.of(1 << 21, 512, 16)
    for limits, content in ((TAG, lambda at: tag_content(given, mode, shape, at)),
                            (DATA, lambda _: data_content(given, mode, shape))):  # fmt: skip
        with np.errstate(all="ignore"):
            found = explore(*parts(given=given), limits, content)
            index = np.linspace(0, len(found) - 1, 300).astype(int)
            alone = evaluate(*parts(given=given), content(found.at(index)), found.at(index))
        assert alone.fits.all()
        for name in NAMES:
            np.testing.assert_allclose(getattr(found, name)[index], getattr(alone, name), rtol=1e-9)


@pytest.mark.parametrize("given", [OLDER, MENDED], ids=["older", "mended"])
@pytest.mark.parametrize("mode", ["normal", "sequential"])
def test_best_of_each_target_is_the_best_of_all_pairs(mode, given):
    shape = (mode, Shape.of(1 << 20, 512, 16))
    small = replace(TAG, bank=2, mux=(POWERS[:3], (1,), POWERS[:3]))
    large = replace(DATA, bank=3, mux=(POWERS[:4], POWERS[:2], POWERS[:2]))
    figures = (*FRONT, "write_s")
    found = design_front(*parts(given=given), *shape, tag_limits=small, data_limits=large, figures=figures)
    all_ = combine(mode, found.tags.figures(slice(None), (slice(None), None)),
                   found.datas.figures(slice(None), (None, slice(None))))  # fmt: skip
    for name, target in TARGETS.items():
        choice = found.best[name]
        assert target.score(Totals(**choice.totals)) == pytest.approx(target.score(all_).min(), rel=1e-9)
    shape = (len(found.tags), len(found.datas))
    columns = [np.broadcast_to(getattr(all_, f), shape).ravel() for f in figures]
    assert len(front(*columns)) == len(found.front_tag)


@pytest.mark.parametrize("limit", [1.02, 1.2, 2.0])
def test_best_within_a_limit_is_the_best_of_all_pairs_within_it(limit):
    shape = ("normal", Shape.of(1 << 20, 512, 16))
    small = replace(TAG, bank=2, mux=(POWERS[:3], (1,), POWERS[:3]))
    found = design_front(*parts(), *shape, tag_limits=small, data_limits=replace(DATA, bank=3))
    pairs = Pairs("normal", found.tags, found.datas)
    all_ = combine("normal", found.tags.figures(slice(None), (slice(None), None)),
                   found.datas.figures(slice(None), (None, slice(None))))  # fmt: skip
    most = float(all_.read_s.min() * limit)
    choice = pairs.best(TARGETS["area"], {"read_s": most})
    assert choice.totals["read_s"] <= most
    area = np.broadcast_to(all_.area_m2, all_.read_s.shape)
    assert choice.totals["area_m2"] == pytest.approx(area[all_.read_s <= most].min(), rel=1e-9)
    assert pairs.best(TARGETS["area"], {"read_s": float(all_.read_s.min()) / 2}) is None


def test_front_against_every_pair_of_points():
    points = np.random.default_rng(1).random((400, 3)) + 0.1
    worse = (points[:, None, :] >= points[None, :, :]).all(2) & (points[:, None, :] > points[None, :, :]).any(2)
    np.testing.assert_array_equal(front(*points.T), np.nonzero(~worse.any(1))[0])


def test_a_second_output_level_never_helps_the_tags():
    """The search leaves it out; the whole space has no better cache under any target."""
    shape = ("normal", Shape.of(1 << 20, 512, 16))
    found, whole = (design_front(*parts(), *shape, tag_limits=limits) for limits in (TAG, WHOLE_TAG))
    for name, target in TARGETS.items():
        ours, theirs = (target.score(Totals(**one.best[name].totals)) for one in (found, whole))
        assert ours == pytest.approx(theirs, rel=1e-9)
