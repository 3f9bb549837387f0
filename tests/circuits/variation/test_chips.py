"""Chips of a cache, and the two commands."""

import json

import click
import numpy as np
import pytest
from click.testing import CliRunner

from circuits.errors import InputError
from circuits.variation import vary_cache
from circuits.variation.commands import sensitivity, variation
from hwmodel.cli import jsonable

SMALL = ["--capacity", "64KiB"]


@pytest.mark.parametrize("cell", ["sram", "stt", "sot"])
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


def test_all_cells_together_are_slower_and_leak_more_than_the_nominal(chips):
    assert np.median(chips.values["read_latency_s"]) > chips.nominal.read_latency_s
    assert np.median(chips.values["leakage_W"]) > chips.nominal.leakage_W


def test_a_larger_cache_yields_no_more_and_its_worst_cell_is_slower():
    small, large = (vary_cache("sot", "16nm", capacity, dies=4) for capacity in ("256KiB", "4MiB"))
    assert large.yields["secded"]["read"] <= small.yields["secded"]["read"]
    late = [float(np.median(c.values["read_latency_s"])) - c.nominal.read_latency_s for c in (small, large)]
    assert late[1] > late[0] > 0


def test_seeds_reproduce():
    one, two = (vary_cache("sram", "16nm", "64KiB", dies=3, seed=9) for _ in range(2))
    assert one.as_dict() == two.as_dict()
    assert json.dumps(one.as_dict())


def run(command: click.Command, *arguments: str):
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def test_the_variation_command_returns_one_document():
    done = run(variation, "--cell", "sot", *SMALL, "--samples", "500", "--dies", "2")
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
