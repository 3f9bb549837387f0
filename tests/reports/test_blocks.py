"""Figures for further kinds of studies, on made-up frames whose answers are known in closed form."""

import itertools
import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from circuits.errors import InputError
from reports.figures.curves import Curves, curve_figures
from reports.figures.front import front_figures
from reports.figures.marks import SVG
from reports.figures.ranges import range_figures, swings
from reports.looks import looks

MIB = 2**20
CELLS = {"sram": (1.0, 1.0), "stt": (4.0, 0.5)}  # y = a x^p: they cross at 16 MiB


def tips(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [element.findtext(f"{{{SVG}}}title") or "" for element in root.iter() if element.get("class") == "mark"]


def curves_frame(networks: tuple[str, ...] = ("A <b>", "B")) -> pd.DataFrame:
    rows = [{"workload": network, "cell": cell, "capacity_bytes": MIB << k, "cache_edp_Js": 1e-3 * a * 2.0 ** (k * p)}
            for network in networks for cell, (a, p) in CELLS.items() for k in range(11)]  # fmt: skip
    frame = pd.DataFrame(rows)
    return frame.assign(low=frame["cache_edp_Js"] / 2, high=frame["cache_edp_Js"] * 2)


def crossing(workload: str, x: float = 16 * MIB) -> dict:
    return {"workload": workload, "cell": "stt", "over": "sram", "capacity_bytes": x}


def test_curves_say_their_points_and_bands_and_crossings() -> None:
    found = pd.DataFrame([crossing("A <b>"), crossing("B", float("nan"))])
    curves = Curves("capacity_bytes", "cache_edp_Js", panel="workload", low="low", high="high")
    drawn = curve_figures("scaling", curves_frame(), curves, found)
    assert list(drawn) == ["scaling.svg"]
    told = tips(drawn["scaling.svg"])
    assert len(told) == 2 * 2 * 11 + 1
    assert "SRAM, A <b>, 1 MiB: cache EDP 1.00 mJ·s (500 µJ·s to 2.00 mJ·s)" in told
    assert "STT-MRAM, B, 1 GiB: cache EDP 128 mJ·s (64.0 mJ·s to 256 mJ·s)" in told
    assert [tip for tip in told if "below" in tip] == ["STT-MRAM is below SRAM from 16 MiB on"]


def test_the_ring_stands_where_the_lines_cross() -> None:
    """At 16 MiB both lines are at 16 mJ·s, where each has a point of its own."""
    curves = Curves("capacity_bytes", "cache_edp_Js")
    svg = curve_figures("s", curves_frame(("A",)), curves, pd.DataFrame([crossing("A")]))["s.svg"]
    at: dict[str, tuple[float, float]] = {}
    for use in ElementTree.fromstring(svg).iter(f"{{{SVG}}}use"):
        if use.get("class") == "mark":
            at[use.findtext(f"{{{SVG}}}title") or ""] = (float(use.get("x", 0)), float(use.get("y", 0)))
    ring = at["STT-MRAM is below SRAM from 16 MiB on"]
    assert at["SRAM, 16 MiB: cache EDP 16.0 mJ·s"] == pytest.approx(ring, abs=0.01)
    assert at["STT-MRAM, 16 MiB: cache EDP 16.0 mJ·s"] == pytest.approx(ring, abs=0.01)


def test_lines_keep_their_looks_and_many_panels_their_files() -> None:
    drawn = curve_figures("s", curves_frame(tuple(f"network {i}" for i in range(14))),
                          Curves("capacity_bytes", "cache_edp_Js", panel="workload"))  # fmt: skip
    assert list(drawn) == ["s-1.svg", "s-2.svg"]
    for cell in CELLS:
        assert f"stroke: {looks(list(CELLS))[cell].colour.lower()}".encode() in drawn["s-1.svg"]


def test_curves_over_time_and_batch() -> None:
    rows = [{"cell": "sram", "batch": 4**k, "read_latency_s": 1e-9 * 10**k, "edp_Js": 1.0 + k} for k in range(4)]
    for x in ("batch", "read_latency_s"):
        (svg,) = curve_figures("s", pd.DataFrame(rows), Curves(x, "edp_Js", title="EDP, with DRAM")).values()
        assert any(tip.endswith("EDP, with DRAM 4.00 J·s") for tip in tips(svg))


@pytest.mark.parametrize(("change", "says"), [({"cache_edp_Js": 0.0}, "not above 0"), ({"cell": ""}, "empty")])
def test_frames_that_cannot_be_drawn_are_refused(change: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        curve_figures("s", curves_frame().assign(**change), Curves("capacity_bytes", "cache_edp_Js"))


def moves() -> pd.DataFrame:
    rows = [("base", "", "stt", 2.0), ("base", "", "<sot>", 3.0)]
    for cell, base in (("stt", 2.0), ("<sot>", 3.0)):
        rows += [("temperature_K", "300.0", cell, base * 1.1), ("temperature_K", "400.0", cell, base / 1.1)]
        rows += [("leakage", "ptm-lstp", cell, base / 8), ("capacity", str(8 * MIB), cell, base * 1.5)]
    return pd.DataFrame(rows, columns=["factor", "value", "cell", "edp_reduction_mean"])


def test_factors_stand_in_the_order_of_their_swing() -> None:
    """The base counts: leakage takes 8 times away, capacity adds half, the temperature goes from 1/1.1 to 1.1."""
    found = swings(moves(), "edp_reduction_mean")
    assert list(found) == ["leakage", "capacity", "temperature_K"]
    assert list(found.values()) == pytest.approx([8, 1.5, 1.21])


def test_ranges_say_factor_value_and_figure() -> None:
    drawn = range_figures("moves", moves(), "edp_reduction_mean", title="EDP", labels={"leakage": "leakage school"})
    told = tips(drawn["moves.svg"])
    assert sorted(told) == sorted([
        "STT-MRAM, base: 2.00", "<sot>, base: 3.00", "STT-MRAM, temperature 300 K: 2.20",
        "STT-MRAM, temperature 400 K: 1.82", "<sot>, temperature 300 K: 3.30", "<sot>, temperature 400 K: 2.73",
        "STT-MRAM, leakage school ptm-lstp: 0.250", "<sot>, leakage school ptm-lstp: 0.375",
        "STT-MRAM, capacity 8 MiB: 3.00", "<sot>, capacity 8 MiB: 4.50"])  # fmt: skip


def test_nothing_moved_is_no_figure_and_a_missing_column_is_said() -> None:
    assert range_figures("m", moves().iloc[:2], "edp_reduction_mean", title="EDP") == {}
    with pytest.raises(InputError, match="m: no column 'edp'"):
        range_figures("m", moves(), "edp", title="EDP")


def test_fronts_say_which_designs_are_on_them() -> None:
    rows = [("sram", 4e-9, 1e-6), ("stt", 2e-9, 3e-6), ("sot", 4e-9, 4e-6), ("stt", 1e-9, 4e-6)]
    frame = pd.DataFrame(rows, columns=["cell", "read_latency_s", "area_m2"])
    told = tips(front_figures("front", frame, "read_latency_s", "area_m2")["front.svg"])
    best = [tip for tip in told if tip.endswith("(none is better in both)")]
    assert len(best) == 3
    assert "SOT-MRAM: 4.00 ns, 4.00 mm²" in told
    # The box is 3 ns by 3 mm²; the second design rules 2 ns by 1 mm² of it, the others but its edges.
    assert [tip for tip in told if tip.startswith("after")] == ["after 1 designs: hypervolume 0 %",
                                                                "after 2 designs: hypervolume 22 %"]  # fmt: skip


def test_many_designs_and_wide_ranges() -> None:
    frame = pd.DataFrame([{"cell": f"c{i % 9}", "x_s": 1e-9 * 1.02**i, "y_J": 1e-12 * 1.01 ** (900 - i)}
                          for i in range(900)])  # fmt: skip
    svg = front_figures("front", frame, "x_s", "y_J", titles=("delay", "energy"))["front.svg"]
    assert len([tip for tip in tips(svg) if "none is better" in tip]) == 900
    assert not re.search(rb"nan|inf", svg.lower().replace(b"info", b""))
    assert len(set(itertools.chain(looks([f"c{i}" for i in range(9)]).values()))) == 9
