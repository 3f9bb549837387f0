"""Chips of a cache, and the two commands."""

import json

import click
import numpy as np
import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from circuits.overrides import overridden
from circuits.variation import vary_cache
from circuits.variation.commands import sensitivity, variation
from hwmodel.cli import jsonable

SMALL = ["--capacity", "64KiB"]


@pytest.mark.parametrize("cell", ["sram", "sram8t", "stt", "sot", "reram", "pcm", "fefet", "edram", "gain"])
def test_without_spread_every_chip_is_the_design(cell):
    found = vary_cache(cell, "16nm", "1MiB", dies=2, scale=0.0)
    for name, values in found.values.items():
        assert values == pytest.approx(np.full(2, getattr(found.nominal, name)), rel=1e-12)
    assert all(set(yields.values()) == {1.0} for yields in found.yields.values())


@pytest.fixture(scope="module", params=["sram", "sot"])
def chips(request):
    return vary_cache(request.param, "16nm", "1MiB", dies=8, seed=3)


def test_a_code_never_lowers_the_yield(chips):
    for name, plain in chips.yields["none"].items():
        assert 0 <= plain <= chips.yields["secded"][name] <= 1
    assert chips.word_bits == {"none": 64, "secded": 72}
    assert chips.words == 1 << 17


def test_all_cells_together_leak_more_than_the_nominal(chips):
    assert np.median(chips.values["leakage_W"]) > chips.nominal.leakage_W


def test_a_larger_cache_yields_no_more():
    small, large = (vary_cache("sot", "16nm", capacity, dies=4) for capacity in ("256KiB", "4MiB"))
    assert large.yields["none"]["read"] < small.yields["none"]["read"]
    assert large.yields["secded"]["read"] <= small.yields["secded"]["read"]


def test_the_worst_cell_of_a_larger_cache_is_slower_where_nobody_waits_for_a_quantile():
    shared = ("threshold_V", "fin_height_m", "wire_width", "wire_thickness")
    with overridden({f"spread.die.{name}": 1e-12 for name in shared}):
        small, large = (vary_cache("sram", "16nm", capacity, dies=2) for capacity in ("256KiB", "4MiB"))
    late = [float(np.median(c.values["read_latency_s"])) - c.nominal.read_latency_s for c in (small, large)]
    assert late[1] > late[0] > 0


def test_chips_of_a_cell_designed_for_it_work_with_secded_and_without_do_not():
    found = vary_cache("stt", "16nm", "3MiB", dies=30)
    assert found.yields["secded"]["all"] > 0.99
    assert found.yields["none"]["read"] < 0.5


def test_a_spin_orbit_cell_keeps_its_bit_on_every_chip_for_a_higher_barrier():
    """A barrier of 40 kT trades retention for current; one of 55 costs a fin."""
    assert vary_cache("sot", "16nm", "1MiB", dies=10).yields["secded"]["retention"] < 0.1
    with overridden({"sot.junction.barrier_kT": 55}):
        found = vary_cache("sot", "16nm", "1MiB", dies=30)
    assert found.yields["secded"]["all"] > 0.99


def test_seeds_reproduce():
    one, two = (vary_cache("sram", "16nm", "64KiB", dies=3, seed=9) for _ in range(2))
    assert one.as_dict() == two.as_dict()
    assert json.dumps(one.as_dict())


def run(command: click.Command, *arguments: str):
    return CliRunner().invoke(command, arguments, standalone_mode=False)


@pytest.mark.parametrize("cell", ["sot", "sram8t", "reram", "pcm", "fefet", "edram", "gain"])
def test_the_variation_command_returns_one_document(cell):
    done = run(variation, "--cell", cell, *SMALL, "--samples", "500", "--dies", "2")
    assert done.exception is None
    document = json.loads(json.dumps(jsonable(done.return_value)))
    assert document["samples"] == 500
    assert 0 <= document["of_cell"]["yields"]["all"] <= 1
    assert document["quantiles"]["p50"]["leakage_W"] > 0
    assert document["works"]


def test_the_sensitivity_command_returns_rows_leakage_first():
    done = run(sensitivity, *SMALL, "--organization", "fixed", "--output", "leakage_W")
    assert done.exception is None
    rows = json.loads(json.dumps(jsonable(done.return_value)))
    assert rows[0]["assumption"] == "leakage school"
    assert {row["output"] for row in rows} == {"leakage_W"}


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(variation, ["--samples", "0"]), (variation, ["--samples", "1000000000000"]), (variation, ["--samples", "nan"]),
     (variation, ["--dies", "0"]), (variation, ["--seed", "-1"]), (variation, ["--scale", "nan"]),
     (variation, ["--cell", "flash"]), (sensitivity, ["--swing", "nan"]), (sensitivity, ["--swing", "0"]),
     (sensitivity, ["--output", "speed"]), (sensitivity, ["--target", "fame"])],
)  # fmt: skip
def test_a_mistake_is_one_line(command, arguments):
    done = run(command, *SMALL, *arguments)
    assert isinstance(done.exception, (InputError, click.ClickException))
    assert "\n" not in str(done.exception)


def test_help_has_an_example():
    for command in (variation, sensitivity):
        assert f"hwmodel {command.name} --cell stt --node 16nm --capacity 3MiB" in run(command, "--help").output
