"""Transistors and leakage against closed forms and published figures."""

import itertools

import pytest

from circuits.devices.node import leakage_schools, load_node, node_names
from circuits.errors import InputError


def test_off_current_is_the_published_one_at_its_temperature():
    """PTM-MG, ITRS 2011: 100 nA/um HP and 0.1 nA/um LSTP of 2 H + T."""
    assert load_node("16nm", 300, "ptm-hp").off_current_A_per_m == pytest.approx(0.1)
    assert load_node("16nm", 300, "ptm-lstp").off_current_A_per_m == pytest.approx(1e-4)
    assert load_node("22nm", 350, "nvsim").off_current_A_per_m == pytest.approx(1.05717)
    assert load_node("22nm", 350, "cacti").off_current_A_per_m == pytest.approx(0.2152)
    assert load_node("16nm").unit_m == pytest.approx(82e-9)


@pytest.mark.parametrize("name", node_names())
def test_every_school_leaks_more_when_hotter(name):
    for school in leakage_schools(name):
        currents = [load_node(name, t, school).off_current_A_per_m for t in range(300, 401, 10)]
        assert all(a < b for a, b in itertools.pairwise(currents)), school


def test_the_transistor_is_continuous_and_rises_with_both_voltages():
    at = load_node("16nm")
    sat = at.current(at.unit_m, 0.8, 0.8)
    assert sat == pytest.approx(at.on_n_A_per_m * at.unit_m)
    for v in (0.1, 0.2, 0.3, 0.5):
        assert at.current(at.unit_m, 0.8, v) <= at.current(at.unit_m, 0.8, v + 0.01) <= sat
        assert at.current(at.unit_m, v, 0.8) <= at.current(at.unit_m, v + 0.01, 0.8)
    assert at.current(at.unit_m, 0.1, 0.8) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("8nm",), "known are"), (("16",), "known are"), (("16nm", 200), "300 to 400 K"),
     (("16nm", "hot"), "not a number"), (("16nm", float("nan")), "300 to 400"),
     (("16nm", 350, "mine"), "ptm-hp"), ((16,), "not a name")],
)  # fmt: skip
def test_bad_nodes_are_refused_in_one_line(arguments, says):
    with pytest.raises(InputError, match=says) as caught:
        load_node(*arguments)
    assert "\n" not in str(caught.value)


def test_the_package_names_its_nodes():
    assert node_names() == ["45nm", "32nm", "22nm", "16nm", "14nm", "10nm", "7nm", "5nm", "3nm"]
    for name in node_names():
        at = load_node(name)
        assert at.name == name
        assert at.works
