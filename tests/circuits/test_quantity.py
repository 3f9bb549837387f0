"""Text to numbers: what is accepted, and that everything else is refused in one line that helps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.errors import InputError
from circuits.quantity import MAX_BYTES, parse_bytes, parse_length, parse_time

POWERS = {"": 0, "B": 0} | {
    unit + tail: power for power, unit in enumerate("KMGT", start=1) for tail in ("", "B", "iB")
}
spaces = st.text(" \t", max_size=3)


def refusal(parse, *arguments):
    with pytest.raises(InputError) as caught:
        parse(*arguments)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert len(message) < 200
    assert "give a" in message
    return message


@settings(deadline=None)
@given(unit=st.sampled_from(sorted(POWERS)), data=st.data(), before=spaces, between=spaces, after=spaces)
def test_whole_sizes_in_any_unit_case_and_spacing(unit, data, before, between, after):
    factor = 1024 ** POWERS[unit]
    number = data.draw(st.integers(1, min(MAX_BYTES // factor, 10**9)))
    unit = data.draw(st.sampled_from([unit, unit.lower(), unit.upper()]))
    assert parse_bytes(f"{before}{number}{between}{unit}{after}") == number * factor


@settings(deadline=None)
@given(st.integers(1, MAX_BYTES))
def test_a_number_is_a_number_of_bytes(number):
    assert parse_bytes(number) == parse_bytes(str(number)) == number


@settings(deadline=None)
@given(st.integers(1, 2**20))
def test_fractions_of_a_unit_are_whole_bytes_or_refused(quarters):
    assert parse_bytes(f"{quarters / 4}KiB") == 256 * quarters
    if quarters % 4:
        assert "not a whole number of bytes" in refusal(parse_bytes, f"{quarters / 4} B")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("3MiB", 3 * 2**20),
        ("128 B", 128),
        ("3145728", 3 * 2**20),
        ("1e3", 1000),
        (".5k", 512),
        ("+1KB", 1024),
        ("1TiB", 2**40),
        (np.int64(3 * 2**20), 3 * 2**20),
    ],
)
def test_sizes_as_people_write_them(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (0, "not positive"),
        ("0", "not positive"),
        (-1, "not positive"),
        ("-1", "not positive"),
        ("-3MiB", "not positive"),
        ("3.5 B", "not a whole number of bytes"),
        ("1.1MiB", "not a whole number of bytes"),
        ("1e30", "more than 1 TiB"),
        ("1e999", "more than 1 TiB"),
        (10**30, "more than 1 TiB"),
        (10**400, "more than 1 TiB"),
        ("9" * 30, "more than 1 TiB"),
        ("9" * 100_000, "not a size"),
        ("9" * 100_000 + "!", "not a size"),
        ("9" + " " * 100_000 + "!", "not a size"),
        (MAX_BYTES + 1, "more than 1 TiB"),
        ("1025GiB", "more than 1 TiB"),
        ("nan", "not a size"),
        ("inf", "not a size"),
        ("", "not a size"),
        ("   ", "not a size"),
        ("MiB", "not a size"),
        ("3 apples", "not a size"),
        ("3ib", "not a size"),
        ("3 MiB 4", "not a size"),
        ("3\nMiB\x00", "not a size"),
        ("1_000", "not a size"),
        ("0x10", "not a size"),
        ("1,000", "not a size"),
        ("٣", "not a size"),
        ("__import__('os')", "not a size"),
        ("z" * 100_000, "not a size"),
        (True, "not a size"),
        (None, "not a size"),
        (3.0, "not a size"),
        (float("nan"), "not a size"),
        (b"3MiB", "not a size"),
        ([3], "not a size"),
    ],
)
def test_what_is_no_size_is_refused(value, wrong):
    message = refusal(parse_bytes, value)
    assert message.startswith("capacity ")
    assert wrong in message


def test_the_message_names_the_quantity():
    assert refusal(parse_bytes, "3.5 B", "line").startswith("line '3.5 B': ")
    assert refusal(parse_length, "16", "wire").startswith("wire '16': ")


@settings(deadline=None)
@given(st.one_of(st.text(max_size=50), st.from_regex(r"\s*[+-]?[0-9.]{0,12}(e[+-]?[0-9]{0,4})?\s*[a-zA-Z]{0,4}\s*")))
def test_any_text_is_a_size_within_bounds_or_an_input_error(text):
    try:
        size = parse_bytes(text)
    except InputError:
        refusal(parse_bytes, text)
    else:
        assert type(size) is int
        assert 1 <= size <= MAX_BYTES


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("16nm", 16e-9),
        ("22 nm", 22e-9),
        ("0.045um", 45e-9),
        ("1.5 µm", 1.5e-6),
        ("1.5 μm", 1.5e-6),
        ("1e-3m", 1e-3),
        (" 7nm ", 7e-9),
    ],
)
def test_lengths(text, metres):
    assert parse_length(text) == pytest.approx(metres, rel=1e-12)


@settings(deadline=None)
@given(st.floats(1e-3, 1e6))
def test_lengths_agree_between_units(nanometres):
    assert parse_length(f"{nanometres!r}nm") == pytest.approx(nanometres * 1e-9, rel=1e-12)
    assert parse_length(f"{nanometres!r} um") == pytest.approx(parse_length(f"{nanometres!r}nm") * 1000, rel=1e-12)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "16",
        "nm",
        "0nm",
        "-16nm",
        "nan",
        "nannm",
        "infnm",
        "1e999nm",
        "1e-320nm",
        "9" * 100_000 + "!",
        "16NM",
        "16 inch",
        16,
        1e-9,
        None,
        True,
    ],
)
def test_what_is_no_length_is_refused(value):
    assert refusal(parse_length, value).startswith("node ")


def test_an_input_error_is_a_value_error_that_the_command_line_knows():
    assert issubclass(InputError, ValueError)
    assert InputError.is_input_error


@pytest.mark.parametrize(
    ("text", "seconds"), [("26.5us", 26.5e-6), ("3 ns", 3e-9), ("1µs", 1e-6), ("2ms", 2e-3), ("1s", 1)]
)
def test_times(text, seconds):
    assert parse_time(text, "retention") == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize("text", ["26.5", "us", "-1us", "0s", "1 h", "1nm", "1e999s", "", 5])
def test_what_is_no_time(text):
    assert refusal(parse_time, text, "retention").startswith("retention ")
