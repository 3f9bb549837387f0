"""Fitting figures to known caches: what was changed is found again, nothing else moves far, mistakes are said."""

import json

import pytest

from circuits import design_cache
from circuits.calibration import calibrate, ratios, read_known, spread
from circuits.errors import InputError
from circuits.overrides import overridden
from hwmodel.cli import main

HEIGHT, LATCH = "sram.finfet.gate_pitches", "default.figures.latched_fan_outs"
KNOWN = {"cell": "sram", "node": "16nm", "capacity_bytes": 1 << 20}


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0), capsys.readouterr()


def known(**figures):
    with overridden(figures):
        design = design_cache("sram", "16nm", 1 << 20)
    return KNOWN | {name: getattr(design, name) for name in ("read_latency_s", "write_latency_s", "area_m2")}


def test_figures_that_were_changed_are_found_again():
    found = calibrate([known(**{HEIGHT: 3.0, LATCH: 24.0})], [HEIGHT, LATCH])
    assert found.nominal == {HEIGHT: 2.0, LATCH: 12.0}
    assert found.fitted[HEIGHT] == pytest.approx(3.0, rel=0.1)
    assert found.fitted[LATCH] == pytest.approx(24.0, rel=0.15)
    assert spread(found.after) < 0.05 < spread(found.before)


def test_rows_are_told_with_the_fitted_figures():
    row = known(**{HEIGHT: 2.5})
    found = calibrate([row], [HEIGHT])
    with overridden(found.fitted):
        again = ratios(design_cache("sram", "16nm", 1 << 20), row)
    assert again == pytest.approx(found.after[0])


def test_what_nothing_asks_for_stays():
    row = {k: v for k, v in known().items() if k not in ("read_latency_s", "write_latency_s")}
    found = calibrate([row], [LATCH])
    assert found.fitted[LATCH] == pytest.approx(12.0, rel=0.02)


@pytest.mark.parametrize(
    ("vary", "options", "says"),
    [([], {}, "at least one known cache"), (["sram.finfet.gate_pitch"], {}, "did you mean sram.finfet.gate_pitches"),
     ([HEIGHT], {"factor": 1.0}, "factor"), ([HEIGHT], {"factor": float("nan")}, "factor"),
     (["stt.junction.diameter_m"], {}, "no figure that these caches rest on")],
)  # fmt: skip
def test_mistakes_are_said(vary, options, says):
    with pytest.raises(InputError, match=says):
        calibrate([known()], vary, **options)


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "not a CSV file"), ("cell,node\nsram,16nm\n", "lacks capacity_bytes"),
     ("cell,node,capacity_bytes\n", "lacks rows"),
     ("cell,node,capacity_bytes,area_m2\nsram,16nm,65536,-1\n", "line 2"),
     ("cell,node,capacity_bytes,area_m2\nsram,16nm,65536,big\n", "line 2"),
     ("cell,node,capacity_bytes,area_m2\nsram,16nm,nan,1e-6\n", "line 2: capacity_bytes missing"),
     ("cell,node,capacity_bytes,area_m2\nsram,16nm,3MiB,1e-6\n", "line 2: capacity_bytes '3MiB'; give a whole"),
     ("cell,node,capacity_bytes,area_m2\nsram,16nm,-5,1e-6\n", "line 2: capacity_bytes -5; give a whole"),
     ("cell,node,capacity_bytes,area_m2\nsram,16nm,1e300,1e-6\n", "line 2: capacity_bytes 1e"),
     ("cell,node,capacity_bytes,area_m2\n,16nm,65536,1e-6\n", "line 2: cell missing; give a name"),
     ("cell,node,capacity_bytes,area_m2\nsram,16,65536,1e-6\n", "line 2: node 16; give a name"),
     ("cell,node,capacity_bytes,ways,area_m2\nsram,16nm,65536,x,1e-6\n", "line 2: ways 'x'"),
     ("cell,node,capacity_bytes,ways,area_m2\nsram,16nm,65536,inf,1e-6\n", "line 2: ways inf"),
     ("cell,node,capacity_bytes,ways,area_m2\nsram,16nm,65536,1.5,1e-6\n", "line 2: ways 1.5"),
     ("cell,node,capacity_bytes,colour\nsram,16nm,65536,red\n", "at least one of")],
)  # fmt: skip
def test_faulty_tables_are_refused(tmp_path, text, says):
    path = tmp_path / "known.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_known(path)


def test_the_command_gives_one_document(tmp_path, capsys):
    path = tmp_path / "known.csv"
    row = known(**{HEIGHT: 2.5})
    path.write_text(",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n")
    code, said = command(capsys, "calibrate", str(path), "--vary", HEIGHT, "--json")
    assert code == 0
    document = json.loads(said.out)
    assert document["figures"][0]["figure"] == HEIGHT
    assert document["error_after"] < document["error_before"]
    assert command(capsys, "calibrate", str(tmp_path / "none.csv"), "--vary", HEIGHT)[0] == 2


def test_limits_weights_fronts_and_figures_on_the_command_line(capsys):
    def run(*arguments):
        return command(capsys, "cache", "--cell", "sram", "--capacity", "256KiB", *arguments, "--json")

    code, free = run("--target", "area")
    area = json.loads(free.out)
    code, bound = run("--target", "area", "--limit", f"read_latency_s={0.7 * area['read_latency_s']}")
    assert code == 0
    assert json.loads(bound.out)["area_m2"] > area["area_m2"]
    code, weighed = run("--weight", "area_m2=1")
    assert json.loads(weighed.out)["area_m2"] == area["area_m2"]
    code, listed = run("--front", "read_latency_s,area_m2")
    rows = json.loads(listed.out)
    assert len(rows) > 3
    assert min(row["area_m2"] for row in rows) == pytest.approx(area["area_m2"])
    code, hot = run("--target", "area", "--set", "16nm.transistors.threshold_V=0.2")
    assert json.loads(hot.out)["read_latency_s"] > 0
    for wrong in (["--limit", "area_m2"], ["--limit", "colour=1"], ["--weight", "area_m2=big"], ["--front", "beauty"],
                  ["--set", "16nm.transistors.threshold=0.2"], ["--limit", "area_m2=1e-12"]):  # fmt: skip
        code, said = run(*wrong)
        assert code == 2, wrong
        assert len(said.err.strip().splitlines()) == 1, said.err
