"""Codes against published ones and brute force; failure rates against exact sums; coded caches."""

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import design_cache
from circuits.devices.node import load_node
from circuits.ecc import bch, failure_rate, find_code, generator, powers, protect, secded
from circuits.errors import InputError

MiB = 1 << 20


@pytest.mark.parametrize(("data", "checks"), [(8, 5), (16, 6), (32, 7), (64, 8), (128, 9), (256, 10)])
def test_secded_check_bits(data, checks):
    """The lengths in use: (13,8), (22,16), (39,32), (72,64), (137,128), (266,256)."""
    assert secded(data).check_bits == checks


@pytest.mark.parametrize(
    ("bits", "data", "corrects"),
    [(7, 4, 1), (15, 11, 1), (15, 7, 2), (15, 5, 3), (31, 21, 2), (31, 16, 3), (63, 51, 2), (63, 45, 3), (127, 113, 2),
     (255, 247, 1), (255, 239, 2), (255, 231, 3), (255, 223, 4), (511, 493, 2), (1023, 1003, 2)],
)  # fmt: skip
def test_primitive_bch_codes_have_their_published_lengths(bits, data, corrects):
    """S. Lin, D. J. Costello, "Error Control Coding", table 6.1."""
    code = bch(data, corrects)
    assert (code.bits, code.check_bits) == (bits, bits - data)


@pytest.mark.parametrize(("field", "corrects", "octal"), [(3, 1, "13"), (4, 2, "721"), (4, 3, "2467"), (6, 2, "12471"),
                                                         (8, 2, "267543"), (8, 3, "156720665")])  # fmt: skip
def test_generator_polynomials_are_the_published_ones(field, corrects, octal):
    """Lin and Costello, appendix C, in octal."""
    assert generator(field, corrects) == int(octal, 8)


@pytest.mark.parametrize(("data", "checks"), [(64, 14), (128, 16), (256, 18), (512, 20)])
def test_shortened_double_error_correction(data, checks):
    """DECTED over 64 bits without its parity: 14 check bits; over 512: 20."""
    assert bch(data, 2).check_bits == checks


@pytest.mark.parametrize("field", range(3, 15))
def test_the_primitive_polynomials_are_primitive(field):
    assert len(set(powers(field))) == 2**field - 1


def test_a_small_bch_code_corrects_every_pattern():
    """The (15,7) code from its generator: all words apart by at least five bits."""
    divisor = generator(4, 2)
    words = []
    for message in range(1 << 7):
        rest = message << 8
        for bit in range(14, 7, -1):
            rest ^= (rest >> bit & 1) * (divisor << bit - 8)
        words.append(message << 8 | rest)
    assert min((a ^ b).bit_count() for a, b in itertools.combinations(words, 2)) == 5


def test_a_small_extended_hamming_code_is_apart_by_four():
    columns = [c for c in range(3, 8) if c & (c - 1)][:4]
    words = []
    for message in range(16):
        used = [c for bit, c in enumerate(columns) if message >> bit & 1]
        checks = 0
        for c in used:
            checks ^= c
        word = message << 3 | checks
        words.append(word << 1 | word.bit_count() & 1)
    assert min((a ^ b).bit_count() for a, b in itertools.combinations(words, 2)) == 4
    assert secded(4).check_bits == 4
    assert (
        secded(4).encode_xors == 3 * 2 + 2
    )  # three checks of three bits; the parity of the data bits seen by an even number


def exact(bits: int, corrects: int, raw: Fraction) -> Fraction:
    return sum(
        (math.comb(bits, i) * raw**i * (1 - raw) ** (bits - i) for i in range(corrects + 1, bits + 1)), Fraction(0)
    )


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 90), st.integers(0, 6), st.floats(1e-12, 1.0, exclude_max=True))
def test_failure_rate_is_the_exact_binomial_tail(bits, corrects, raw):
    want = float(exact(bits, corrects, Fraction(raw)))
    assert failure_rate(bits, corrects, raw) == pytest.approx(want, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize(
    ("bits", "corrects", "raw"),
    [(72, 1, 1e-16), (532, 2, 1e-12), (137, 1, 1e-17), (4200, 8, 1e-7), (4200, 8, 1e-3), (72, 1, 1e-9)],
)
def test_failure_rates_stay_exact_far_below_a_float_s_rounding(bits, corrects, raw):
    want = sum(Fraction(math.comb(bits, i)) * Fraction(raw) ** i * (1 - Fraction(raw)) ** (bits - i)
               for i in range(corrects + 1, corrects + 40))  # fmt: skip
    assert failure_rate(bits, corrects, raw) == pytest.approx(float(want), rel=1e-11)


def test_the_ends_of_the_failure_rate():
    assert failure_rate(72, 1, 0.0) == 0.0
    assert failure_rate(72, 1, 1.0) == 1.0
    assert failure_rate(3, 3, 0.5) == 0.0
    assert failure_rate(1, 0, 0.25) == pytest.approx(0.25)
    for bad in ((72, 1, -0.1), (72, 1, 1.5), (72, 1, math.nan), (-1, 1, 0.5), (72, -1, 0.5)):
        with pytest.raises(InputError):
            failure_rate(*bad)


def test_more_correction_leaves_fewer_failures_and_costs_more():
    node = load_node("16nm")
    codes = [protect(node, name, 1024) for name in ("bch1", "bch2", "bch3", "bch4")]
    left = [code.failure_rate(1e-5) for code in codes]
    assert left == sorted(left, reverse=True)
    for name in ("area_m2", "delay_s", "energy_J", "leakage_W"):
        costs = [float(getattr(code.decode, name)) for code in codes]
        assert costs == sorted(costs), name
        assert costs[0] > 0
    assert [code.check_bits for code in codes] == [20, 40, 60, 80]


def test_a_line_fails_as_its_words_do():
    line = protect(load_node("16nm"), "secded", 1024)
    assert (line.words, line.check_bits, line.code.bits) == (16, 128, 72)
    assert line.failure_rate(1e-9) == pytest.approx(16 * failure_rate(72, 1, 1e-9), rel=1e-9)
    assert line.failure_rate(1.0) == 1.0


@pytest.mark.parametrize("cell", ["sram", "stt"])
@pytest.mark.parametrize("ecc", ["secded", "bch2"])
def test_a_coded_cache_holds_its_check_bits_and_costs_more(cell, ecc):
    plain, coded = (design_cache(cell, "16nm", MiB, target="area", mode="sequential", ecc=e) for e in (None, ecc))
    fast = [design_cache(cell, "16nm", MiB, target="read-latency", ecc=e).read_latency_s for e in (None, ecc)]
    assert fast[1] > fast[0] + coded.organization["ecc"]["decode_latency_s"]
    data, kept = coded.organization["data"], coded.organization["ecc"]
    share = kept["check_bits_per_word"] / kept["data_bits_per_word"]
    assert data["rows"] * data["columns"] * data["subarrays"] >= 8 * MiB * (1 + share)
    assert (coded.area_m2 - kept["area_m2"]) / plain.area_m2 == pytest.approx(1 + share, rel=0.08)
    assert coded.ecc == ecc
    assert plain.ecc is None
    assert "ecc" not in plain.organization
    assert any(line.startswith("ecc: ") for line in coded.assumptions)


@pytest.mark.parametrize("ecc", ["parity", "bch", "bch0", "bch99", "bch-1", "", 3, "BCH2"])
def test_unknown_codes_are_refused_in_one_line(ecc):
    with pytest.raises(InputError, match=r"ecc .*known are secded and bch1 to bch16") as caught:
        design_cache("sram", "16nm", MiB, ecc=ecc)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bits", [0, -1, 10**6, 3.5, True])
def test_impossible_words_are_refused(bits):
    with pytest.raises(InputError, match="give 1 to 8192"):
        find_code("secded", bits)


def test_a_word_too_long_for_the_fields_is_refused():
    with pytest.raises(InputError, match="no BCH code"):
        bch(16383, 2)
