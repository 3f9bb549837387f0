"""Cells that scatter: the nominal design without spread, propagation of small spreads, laws, seeds, bad input."""

import itertools
import json
import math

import numpy as np
import pytest

from circuits import design_cell
from circuits.cells.design import FOLDER
from circuits.cells.scatter import Device, pelgrom_V
from circuits.devices.node import load_node
from circuits.errors import InputError
from circuits.overrides import overridden
from circuits.variation import vary_cell
from circuits.variation.nominal import Nominal
from circuits.variation.of_cell import DIE, draw, evaluate, failures, prepared, sources
from circuits.variation.spread import load_spread, scaled

RESISTIVE = ("stt", "sot", "reram", "pcm", "fefet")
CELLS = ("sram", "sram-hd", "sram8t", "edram", "gain", *RESISTIVE)


@pytest.mark.parametrize("cell", CELLS)
def test_without_spread_every_cell_is_the_nominal_one_exactly(cell):
    found, designed = vary_cell(cell, samples=101, scale=0.0), design_cell(cell)
    for name, values in found.values.items():
        right = designed.device[name] if name in designed.device else getattr(designed, name)
        assert set(values.tolist()) == {right}
    assert set(found.yields.values()) == {1.0}
    assert set(found.failures.values()) == {0.0}


@pytest.mark.parametrize("cell", ["stt", "sot"])
def test_the_equations_meet_the_designs_own_margin(cell):
    """The design divides its current by `current_margin` and finds the pulse: at that pulse the margin comes back."""
    found = vary_cell(cell, samples=1, scale=0.0)
    with overridden() as figures:
        design_cell(cell)
    assert found.margins["write"][0] == pytest.approx(figures[f"{cell}.write.current_margin"].value - 1, rel=1e-6)


def test_the_pulse_that_the_scaling_starts_from_is_the_designs():
    nominal = prepared("stt", "16nm", load_spread(), 350.0, None)
    pulses = [nominal.bases["pulse 0"], nominal.bases["pulse 1"]]
    assert pulses == pytest.approx([nominal.cell.set_latency_s, nominal.cell.reset_latency_s], rel=0.3)


def test_pelgrom_falls_with_the_root_of_the_area():
    node, spread = load_node("16nm"), load_spread()
    one = pelgrom_V(node, spread, node.unit_m)
    assert pelgrom_V(node, spread, 4 * node.unit_m) == pytest.approx(one / 2)
    assert one == pytest.approx(1.34e-9 / math.sqrt(2 * node.unit_m * 20e-9))
    assert 0.01 < one < 0.04


def test_a_pairs_difference_scatters_by_the_coefficient():
    node, spread, random = load_node("22nm"), load_spread(), np.random.default_rng(3)
    names = ("x.threshold", "x.width", "die.threshold", "die.fin_height")
    draws = [{name: random.standard_normal(100_000) * (not name.startswith("die")) for name in names} for _ in range(2)]
    one, two = (Device.draw(node, spread, "x", 3, d).threshold_V for d in draws)
    area = 3 * node.unit_m * node.track_m
    assert np.std(one - two) == pytest.approx(spread.cell.pelgrom_planar_V_m / math.sqrt(area), rel=0.01)


def test_small_spreads_propagate_as_gaussians():
    """ln Delta is that of the barrier: sigma^2 = (2 sigma_D/D)^2 + sigma_K^2, over neighbours and chips."""
    found = vary_cell("stt", samples=200_000, scale=0.1)
    spread = load_spread()
    diameter = math.hypot(spread.cell.diameter_m, spread.die.diameter_m) / 40e-9
    right = 0.1 * math.hypot(2 * diameter, spread.cell.anisotropy)
    stability = found.values["stability"]
    assert np.std(stability) / np.mean(stability) == pytest.approx(right, rel=0.01)


def test_leakage_of_small_spreads_is_lognormal():
    found = vary_cell("sram", samples=100_000, scale=0.02).values["leakage_W"]
    logs = np.log(found)
    assert abs(float(np.mean(((logs - logs.mean()) / logs.std()) ** 3))) < 0.05
    assert np.std(logs) == pytest.approx(np.std(found) / np.mean(found), rel=0.01)


@pytest.mark.parametrize("cell", CELLS)
def test_more_spread_never_yields_more(cell):
    found = [vary_cell(cell, samples=4000, scale=scale) for scale in (0.0, 0.5, 1.0, 1.5, 2.0)]
    for yields in ([f.yields["all"] for f in found], [-f.failures["all"] for f in found]):
        assert all(a >= b - 1e-12 for a, b in itertools.pairwise(yields))


@pytest.mark.parametrize(
    ("cell", "scale"),
    [
        ("sram", 4),
        ("sram-hd", 4),
        ("sram8t", 4),
        ("edram", 4),
        ("gain", 3),
        ("stt", 1.75),
        ("sot", 1.75),
        ("reram", 1.75),
        ("pcm", 2),
        ("fefet", 1.75),
    ],
)
def test_rare_failures_agree_with_counting_where_counting_can_see_them(cell, scale):
    nominal = prepared(cell, "16nm", scaled(load_spread(), scale), 350.0, None)
    found = failures(nominal, np.zeros((1, len(DIE))))
    counted = counted_failures(nominal, 100_000)
    assert any(part > 1e-3 for part in counted.values())
    for name, part in counted.items():
        if part > 1e-3:
            assert found[name][0] == pytest.approx(part, rel=0.35)


def counted_failures(nominal: Nominal, count: int) -> dict[str, float]:
    """Return the parts of cells that fail, of neighbours on a nominal chip."""
    draws = draw(nominal, np.random.default_rng(11), count)
    _, margins = evaluate(nominal, draws | {name: np.zeros(count) for name in DIE})
    return {name: float(np.mean(array.min(axis=0) < 0)) for name, array in margins.items()}


@pytest.mark.parametrize("cell", RESISTIVE)
@pytest.mark.parametrize("node", ["22nm", "16nm"])
def test_the_designs_error_rate_is_met_on_the_slow_chip_it_was_signed_off_for(cell, node):
    """Along the way that takes the most signal, at the corner's sigmas, either state fails at the rate asked for."""
    nominal = prepared(cell, node, load_spread(), 350.0, None)

    def half(place):
        draws = dict.fromkeys(sources(nominal), np.zeros(1)) | dict(zip(DIE, place[:, None], strict=True))
        return float(evaluate(nominal, draws)[0]["half_difference_A"][0])

    way = np.array([half(row) - half(-row) for row in np.eye(len(DIE))])
    slow = -3 * way / np.linalg.norm(way)
    failing = failures(nominal, np.stack([slow, np.zeros(len(DIE)), -slow]))["read"]
    assert 2e-7 < failing[0] < 4e-6
    assert failing[1] < failing[0]


@pytest.mark.parametrize("cell", ["stt", "sot"])
def test_a_larger_magnetoresistance_reads_sooner_at_the_same_error_rate(cell):
    """The strobe moves, not the failures: the design spends what it gains."""
    rates, times = [], []
    for ratio in (1.2, 1.5, 1.8):
        with overridden({f"{cell}.junction.magnetoresistance": ratio, "stt.write.pulse_limit_s": 9e-8} if cell == "stt"
                        else {f"{cell}.junction.magnetoresistance": ratio}):  # fmt: skip
            nominal = prepared(cell, "16nm", load_spread(), 350.0, None)
            rates.append(float(failures(nominal, np.zeros((1, len(DIE))))["read"][0]))
        times.append(nominal.cell.sense_latency_s)
    assert times == sorted(times, reverse=True)
    assert max(rates) < 10 * min(rates) < 1e-5


@pytest.mark.parametrize("cell", CELLS)
def test_a_shipped_cell_fails_rarely_enough_for_secded_but_where_its_file_says_otherwise(cell):
    """At 16 nm; the spin-orbit cell's barrier of 40 kT gives up its bits on purpose."""
    nominal = prepared(cell, "16nm", load_spread(), 350.0, None)
    found = {name: float(p[0]) for name, p in failures(nominal, np.zeros((1, len(DIE)))).items()}
    lasting = found.pop("retention", 0.0)
    assert max(p for name, p in found.items() if name != "all") < 2e-6
    assert (lasting > 1e-3) == (cell == "sot")


@pytest.mark.parametrize("cell", ["edram", "gain"])
def test_a_small_scatter_of_retention_is_lognormal_and_led_by_the_writing_device(cell):
    found = vary_cell(cell, samples=100_000, scale=0.05).values["hold_s"]
    node, spread = load_node("16nm"), load_spread()
    slope = 1.3 * 8.617e-5 * 350
    threshold = math.hypot(pelgrom_V(node, spread, (2 if cell == "edram" else 1) * node.unit_m), spread.die.threshold_V)
    parts = (threshold / slope, spread.cell.leak, spread.die.leak, spread.cell.storage, spread.die.storage)
    assert np.std(np.log(found)) == pytest.approx(0.05 * math.hypot(*parts), rel=0.02)
    assert threshold / slope == max(parts)
    assert found.mean() > 10 * design_cell(cell).refresh_s


def test_an_array_refreshes_for_its_weakest_cell():
    """Of a million cells of the slowest chip that retention is quoted for, about one leaks sooner."""
    for cell, share in (("edram", 2), ("gain", 10)):
        nominal = prepared(cell, "16nm", load_spread(), 350.0, None)
        slope = 1.3 * 8.617333e-5 * 350
        die, way = nominal.spread.die, np.zeros(len(DIE))
        for name, part in (("threshold", -die.threshold_V / slope), ("storage", -die.storage), ("leak", die.leak)):
            way[DIE.index(f"die.{name}")] = part
        slow = 3 * way / np.linalg.norm(way)
        assert 1e-6 / share < failures(nominal, slow[None])["retention"][0] < share * 1e-6


def test_more_rows_on_a_bit_line_read_worse():
    few, many = (prepared("edram", "16nm", load_spread(), 350.0, None, rows) for rows in (64, 2048))
    rates = [failures(n, np.zeros((1, len(DIE))))["read"][0] for n in (few, many)]
    assert rates[0] < rates[1]


def test_a_write_needs_its_assist():
    """One fin against one: without a negative bit line about half of the cells of equal devices keep what they hold."""
    plain, helped = ({"sram8t.write.bit_line_below_V": volts} for volts in (1e-9, 0.25))
    yields = []
    for figures in (plain, helped):
        with overridden(figures):
            yields.append(vary_cell("sram8t", samples=20_000).yields["write"])
    assert yields[0] < 0.7
    assert yields[1] == 1.0


def test_a_film_that_turns_over_later_writes_less():
    nominal = prepared("fefet", "16nm", load_spread(), 350.0, None)
    draws = dict.fromkeys(sources(nominal), np.zeros(5)) | {"coercive_field": np.linspace(-4, 4, 5)}
    outputs, margins = evaluate(nominal, draws)
    assert np.all(np.diff(margins["write"][0]) < 0)
    window = outputs["memory_window_V"]
    assert np.all(np.diff(window[2:]) < 0)  # twice the field opens twice the window, but the pulse is over by then


def test_a_phase_change_cells_current_goes_with_its_contacts_area():
    found = vary_cell("pcm", samples=50_000, scale=0.2).values["write_current_A"]
    assert np.std(found) / np.mean(found) == pytest.approx(2 * 0.2 * load_spread().cell.contact_diameter, rel=0.02)


def test_a_cells_own_file_replaces_spreads(tmp_path):
    text = (FOLDER / "stt.yaml").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(text + "spread:\n  diameter_m: {value: 0.4e-9, assumed: tight}\n")
    mine, ours = design_cell(str(path)), design_cell("stt")
    assert mine.signal_A > ours.signal_A
    found = [vary_cell(cell, samples=20_000).quantiles()["half_difference_A"]["sigma"] for cell in (str(path), "stt")]
    assert found[0] < 0.95 * found[1]
    path.write_text(text + "spread:\n  diametr_m: {value: 0.4e-9, assumed: tight}\n")
    with pytest.raises(InputError, match=r"spread\.diametr_m: unknown key; did you mean diameter_m"):
        design_cell(str(path))
    path.write_text(text + "spread: 3\n")
    with pytest.raises(InputError, match="spread: give a mapping"):
        vary_cell(str(path))


def test_lost_fins_are_drawn():
    with overridden({"spread.cell.fin_loss": 0.01}):
        found = vary_cell("sram", samples=20_000)
    assert found.failures["all"] == pytest.approx(0.1, rel=1e-6)
    slow = found.values["read_current_A"] < 0.75 * found.nominal.read_current_A
    assert np.mean(slow) == pytest.approx(1 - 0.99**8, rel=0.1)


def test_the_same_seed_gives_the_same_cells_and_another_gives_others():
    one, two, three = (vary_cell("sot", samples=500, seed=seed) for seed in (4, 4, 5))
    assert all(np.array_equal(one.values[k], two.values[k]) for k in one.values)
    assert not np.array_equal(one.values["read_current_A"], three.values["read_current_A"])


def test_a_wider_junction_keeps_its_bit_longer_and_scatters_are_independent():
    with overridden({"spread.cell.anisotropy": 1e-9}):
        found = vary_cell("stt", samples=5000)
    assert np.corrcoef(found.values["stability"], found.values["read_current_A"])[0, 1] > 0.4


def test_planar_nodes_too():
    found = vary_cell("sram", "32nm", samples=2000)
    assert 0 < found.values["leakage_W"].std() / found.values["leakage_W"].mean() < 2


def test_the_document_is_json():
    document = json.loads(json.dumps(vary_cell("stt", samples=100).as_dict()))
    assert document["quantiles"]["p50"]["half_difference_A"] > 0
    assert any("spread: cell.diameter_m" in line for line in document["assumptions"])
    assert "beach2008" in document["works"]


@pytest.mark.parametrize(
    ("options", "named"),
    [({"samples": 0}, "samples"), ({"samples": -1}, "samples"), ({"samples": 10**9}, "samples"),
     ({"samples": 1.5}, "samples"), ({"samples": math.nan}, "samples"), ({"samples": True}, "samples"),
     ({"seed": -1}, "seed"), ({"seed": "x"}, "seed"), ({"scale": math.nan}, "scale"), ({"scale": -1}, "scale"),
     ({"scale": 11}, "scale"), ({"cell": "flash"}, "cell"), ({"node": "1nm"}, "node"),
     ({"temperature_K": 0}, "temperature")],
)  # fmt: skip
def test_bad_input_is_one_line_that_names_it(options, named):
    with pytest.raises(InputError, match=named) as raised:
        vary_cell(**options)
    assert "\n" not in str(raised.value)
