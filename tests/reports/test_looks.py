import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.figures import energy, leakage, traffic
from reports.labels import _CELLS
from reports.looks import COLOURS, Look, look, looks
from reports.results import read_study
from tests.reports.synthetic import write_study
from tests.reports.vision import SEEN, lightness

APART = 5.0  # of L*, where a hundred lie between black and white


def apart(one: str, other: str) -> bool:
    return all(abs(lightness(one, eye) - lightness(other, eye)) >= APART for eye in SEEN)


def test_lightness_of_known_greys() -> None:
    assert lightness("#000000") == 0
    assert lightness("#ffffff") == pytest.approx(100)
    assert lightness("#777777") == pytest.approx(50, abs=0.1)
    assert all(lightness("#777777", eye) == pytest.approx(50, abs=0.2) for eye in SEEN)
    assert lightness("#ff0000", "protanopia") < lightness("#ff0000") - 10  # red is dark to who has no red receptor


@pytest.mark.parametrize("eye", SEEN)
def test_colours_differ_in_lightness_for_every_eye(eye: str) -> None:
    shades = sorted(lightness(colour, eye) for colour in COLOURS)
    assert min(b - a for a, b in itertools.pairwise(shades)) >= APART
    assert shades[-1] < 85  # a line of it stands out from the page


def ways_apart(one: Look, other: Look) -> int:
    return (one.marker != other.marker) + (one.dash != other.dash) + apart(one.colour, other.colour)


def test_no_two_cells_differ_in_hue_alone() -> None:
    known = list(looks(list(_CELLS)).values())
    assert all(ways_apart(one, other) >= 2 for one, other in itertools.combinations(known, 2))
    many = [look(index) for index in range(77)]
    assert all(ways_apart(one, other) >= 1 for one, other in itertools.combinations(many, 2))


def test_a_known_cell_looks_the_same_in_every_study() -> None:
    alone, among = looks(["sot"]), looks(["mine", "stt", "other", "SOT", "sram"])
    assert alone["sot"] == among["SOT"]
    assert len(set(among.values())) == 5


def test_parts_and_kinds_differ_in_more_than_hue() -> None:
    assert len(set(energy.HATCH)) == len(set(energy.STRENGTH)) == len(energy.PARTS)
    fills = [*traffic.FILLS, traffic.OTHER]
    for (colour, hatch), (other, crossed) in itertools.combinations(fills, 2):
        assert hatch != crossed or apart(colour, other)


def test_lines_are_drawn_with_their_dashes(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path / "s", ("alexnet",), ("sram", "stt", "sot", "reram", "mine")))
    root = ElementTree.fromstring(leakage.leakage_figures(study)["leakage.svg"])
    styles = [element.get("style", "") for element in root.iter() if "stroke-dasharray" in element.get("style", "")]
    drawn = {
        (style.partition("stroke: ")[2][:7], style.partition("dasharray: ")[2].partition(";")[0]) for style in styles
    }
    assert len({colour for colour, _ in drawn}) == len({dash for _, dash in drawn}) == len(study.others)
