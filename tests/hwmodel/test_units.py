"""What a person reads is the stored number: examples, round trips, and the size of what is shown."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.quantity import parse_bytes
from hwmodel.units import label_of, scale_of, show, unit_of

PREFIXES = {"a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0,
            "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}  # fmt: skip
SYMBOLS = {"x_s": "s", "x_J": "J", "x_Js": "J·s", "x_W": "W", "x_m": "m", "x_m2": "m²", "x_V": "V", "x_A": "A",
           "x_F": "F", "x_Hz": "Hz", "x_ohm": "Ω", "x_K": "K"}  # fmt: skip
magnitude = st.floats(-17.9, 14.9).map(lambda exponent: 10.0**exponent)
signed = st.builds(lambda sign, size: sign * size, st.sampled_from([1.0, -1.0]), magnitude)


def read_back(name, text):
    """Turn `2.9 ns` into 2.9e-9, knowing the unit's symbol."""
    number, _, unit = text.partition(" ")
    prefix = unit.removesuffix(SYMBOLS[name])
    return float(number) * PREFIXES[prefix] ** (2 if name == "x_m2" else 1)


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [
        ("read_latency_s", "_s", "read latency"),
        ("cache_edp_Js", "_Js", "cache EDP"),
        ("area_m2", "_m2", "area"),
        ("capacity_bytes", "_bytes", "capacity"),
        ("core_Hz", "_Hz", "core"),
        ("read_hits", "", "read hits"),
        ("ways", "", "ways"),
        ("s", "", "s"),
        ("time_S", "", "time S"),
        ("", "", ""),
    ],
)
def test_a_name_carries_its_unit(name, unit, label):
    assert unit_of(name) == unit
    assert label_of(name) == label


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("read_latency_s", 2.91e-9, "2.91 ns"),
        ("read_energy_J", 0.35e-9, "350 pJ"),
        ("leakage_W", 6.442, "6.442 W"),
        ("leakage_W", 0.748, "748 mW"),
        ("area_m2", 5.53e-6, "5.53 mm²"),
        ("area_m2", 0.05e-12, "0.05 µm²"),
        ("capacity_bytes", 3 * 2**20, "3 MiB"),
        ("line_bytes", 128, "128 B"),
        ("capacity_bytes", 1536, "1.5 KiB"),
        ("core_Hz", 1.481e9, "1.481 GHz"),
        ("sheet_ohm", 5000, "5 kΩ"),
        ("temperature_K", 300.0, "300 K"),
        ("delay_s", 1e-6, "1 µs"),
        ("delay_s", 999.96e-12, "1 ns"),
        ("delay_s", np.float32(1e-9), "1 ns"),
        ("capacity_bytes", 2**20 - 1, "1 MiB"),
        ("searched", np.int64(1234567), "1,234,567"),
        ("delay_s", 0, "0 s"),
        ("change_s", -2.5e-3, "-2.5 ms"),
        ("edp_Js", 3.2e-5, "32 µJ·s"),
        ("ratio", 2.4, "2.4"),
        ("searched", 1234567, "1,234,567"),
        ("cell", "sot", "sot"),
        ("made", None, "-"),
        ("delay_s", None, "-"),
        ("delay_s", math.nan, "-"),
        ("delay_s", math.inf, "inf"),
        ("calibrated", True, "True"),
        ("delay_s", "unknown", "unknown"),
    ],
)
def test_what_a_person_reads(name, value, text):
    assert show(name, value) == text


@settings(deadline=None)
@given(name=st.sampled_from(sorted(SYMBOLS)), value=signed)
def test_what_is_shown_reads_back_to_four_digits(name, value):
    assert read_back(name, show(name, value)) == pytest.approx(value, rel=5.1e-4)


@settings(deadline=None)
@given(name=st.sampled_from(sorted(set(SYMBOLS) - {"x_K", "x_m2"})), value=magnitude)
def test_a_number_is_shown_between_one_and_a_thousand(name, value):
    factor, _ = scale_of(name, [value])
    assert 1 <= float(f"{value * factor:.4g}") < 1000


@settings(deadline=None)
@given(st.floats(-35.9, 23.9).map(lambda exponent: 10.0**exponent))
def test_an_area_is_shown_between_a_thousandth_and_a_thousand(value):
    """Steps of a million: people say 0.94 mm² and 0.03 µm², not 940,000 µm² and 30,000 nm²."""
    factor, _ = scale_of("area_m2", [value])
    assert 1e-3 <= float(f"{value * factor:.4g}") < 1e3


@settings(deadline=None)
@given(values=st.lists(signed, min_size=1, max_size=5))
def test_a_column_takes_the_unit_of_its_largest_number(values):
    largest = max(values, key=abs)
    assert scale_of("x_s", values) == scale_of("x_s", [largest])
    assert scale_of("x_s", [math.nan, *values, math.inf]) == scale_of("x_s", values)


def test_a_column_without_a_number_keeps_the_bare_unit():
    assert scale_of("x_s", []) == (1.0, "s")
    assert scale_of("x_s", [math.nan, math.inf]) == (1.0, "s")
    assert scale_of("x_bytes", []) == (1.0, "B")
    assert scale_of("ways", [16.0]) == (1.0, "")


@settings(deadline=None)
@given(number=st.integers(1, 1023), power=st.integers(0, 3))
def test_sizes_read_back_as_they_were_typed(number, power):
    size = number * 1024**power
    assert parse_bytes(show("capacity_bytes", size)) == size
