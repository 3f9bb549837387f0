"""The tornado: leakage first, elasticities of known powers, organisations fixed and free."""

import math
import os
import signal
import subprocess
import sys

import pytest

from circuits import design_cache
from circuits.array.assumptions import SETS
from circuits.cache.design import FIELDS
from circuits.errors import InputError
from circuits.overrides import overridden
from circuits.variation import tornado


@pytest.fixture(scope="module")
def told():
    """A table, and what was told of its progress."""
    progress = []
    return tornado("sram", "16nm", "256KiB", swing=0.05, on_progress=lambda *now: progress.append(now)), progress


@pytest.fixture(scope="module")
def table(told):
    return told[0]


@pytest.fixture(scope="module")
def kept():
    """An STT-MRAM's table, its organisation kept and its assumptions moved far."""
    return tornado("stt", "16nm", "1MiB", swing=0.3, organizations=["fixed"])


def one(table, assumption, output, organization="fixed"):
    chosen = table[(table["assumption"] == assumption) & (table["output"] == output)]
    return chosen[chosen["organization"] == organization].iloc[0]


def test_a_row_an_assumption_output_and_organisation(table):
    with overridden() as figures:
        base = design_cache("sram", "16nm", "256KiB")
    assumed = {name for name, figure in figures.items() if figure.basis in ("assumed", "calibrated")}
    assert set(table["assumption"]) == assumed | {"leakage school", "global wires"}
    assert len(table) == len(set(table["assumption"])) * len(FIELDS) * 2
    for name in FIELDS:
        assert set(table[table["output"] == name]["base"]) == {getattr(base, name)}


def test_the_leakage_school_comes_first_and_moves_leakage_alone_when_the_organisation_is_kept(table):
    first = table[table["assumption"] == "leakage school"]
    assert first.index.tolist() == list(range(2 * len(FIELDS)))
    leakage = one(table, "leakage school", "leakage_W")
    assert (leakage["low_at"], leakage["elasticity"]) == ("ptm-lstp", pytest.approx(1.0, abs=0.01))
    assert leakage["low"] < leakage["base"] < leakage["high"]
    others = [one(table, "leakage school", name)["swing"] for name in FIELDS if name != "leakage_W"]
    assert others == pytest.approx([0.0] * 5, abs=1e-12)  # sums over arrays may round


def test_the_rest_is_sorted(table):
    rest = table[(table["assumption"] != "leakage school") & (table["note"] == "")]["swing"]
    assert rest.is_monotonic_decreasing


def test_known_powers(table):
    """Dynamic energy without change of voltages goes with the activity, but for what does not toggle."""
    energy = one(table, "default.figures.activity", "read_energy_J")
    assert 0 < energy["elasticity"] < 1
    swing = one(table, "sram.read.sense_swing_V", "read_energy_J")
    assert 0 < swing["elasticity"] < 1
    for name in ("read_energy_J", "write_energy_J", "area_m2", "read_latency_s"):
        assert one(table, "16nm.leakage.threshold_drift_V_per_K", name)["swing"] == pytest.approx(0, abs=1e-12)


def test_elasticity_of_area_to_cell_area(kept):
    """A cell's height goes with its gate pitches: a cache grows with it, at most in proportion."""
    for table, cell in ((kept, "stt"), (tornado("sot", "16nm", "1MiB", swing=0.02, organizations=["fixed"]), "sot")):
        found = one(table, f"{cell}.finfet.gate_pitches", "area_m2")
        assert 0 < found["elasticity"] <= 1
        assert found["low"] < found["base"] < found["high"]


def test_a_free_search_is_no_worse_than_a_kept_organisation(table):
    def value(name, end, organization):
        energy = sum(one(table, name, f"{way}_energy_J", organization)[end] for way in ("read", "write"))
        delay = sum(one(table, name, f"{way}_latency_s", organization)[end] for way in ("read", "write"))
        return energy * delay * one(table, name, "area_m2", organization)[end]

    for name in ("columns.figures.mux_units", "16nm.wires.global.resistivity_ohm_m", "default.figures.repeater_slack"):
        for end in ("low", "high"):
            assert value(name, end, "free") <= value(name, end, "fixed") * (1 + 1e-9)


def test_what_cannot_be_designed_is_said(kept):
    found = one(kept, "stt.junction.resistance_area_ohm_m2", "area_m2")
    assert math.isnan(found["high"])
    assert "do not write" in found["note"]
    assert math.isfinite(found["elasticity"])


@pytest.mark.parametrize(
    ("options", "named"),
    [({"swing": 0}, "swing"), ({"swing": 1}, "swing"), ({"swing": math.nan}, "swing"), ({"swing": "x"}, "swing"),
     ({"organizations": []}, "organizations"), ({"organizations": ["best"]}, "organizations"),
     ({"capacity": "1"}, "capacity"), ({"cell": "flash"}, "cell")],
)  # fmt: skip
def test_bad_input(options, named):
    with pytest.raises(InputError, match=named):
        tornado(**{"capacity": "64KiB"} | options)


@pytest.mark.parametrize("cell", ["sram", "edram", "fefet"])
def test_shares_of_a_cell_and_a_column_move_by_a_part_of_themselves(cell):
    table = tornado(cell, capacity="1MiB", organizations=["fixed"])
    shares = table[table.assumption.str.endswith("_share")]
    sizes = shares[~shares.assumption.str.startswith(SETS)]
    assert len(sizes)
    assert (sizes.low_at > 0).all()
    assert set(shares[shares.assumption.str.startswith(SETS)].low_at) == {0.0}
    assert not shares.note.any()


def test_progress_ends_with_all_that_there_is(told):
    table, progress = told
    parts = [done / whole for done, whole, _ in progress]
    assert parts == sorted(parts)
    assert parts[-1] == 1
    assert {name for *_, name in progress} == set(table["assumption"])


START = [sys.executable, "-c", "from hwmodel.cli import main; main()", "sensitivity", "--capacity", "64KiB"]


@pytest.mark.skipif(os.name == "nt", reason="a terminal of Unix")
def test_progress_on_a_terminal_and_ctrl_c_amid_it():
    ours, theirs = os.openpty()
    with subprocess.Popen([*START, "--json"], stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while b"%" not in seen:
            seen += os.read(ours, 1024)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        output = process.stdout.read()
        while b"interrupted" not in seen:
            seen += os.read(ours, 1024)
        assert process.wait(timeout=60) == 130
    os.close(ours)
    assert b"sensitivity" in seen
    assert output == b""


def test_no_progress_where_there_is_no_terminal():
    done = subprocess.run([*START, "--organization", "fixed"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "leakage school" in done.stdout
