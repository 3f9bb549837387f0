"""Error-correcting codes: check bits, circuits, and what is left of a raw bit error rate.

SECDED is a Hamming code with an overall parity bit; BCH(t) corrects t errors, shortened to the word's length.
R. W. Hamming, Bell Syst. Tech. J. 29, 147 (1950); R. C. Bose, D. K. Ray-Chaudhuri, Inf. Control 3, 68 (1960).
"""

import functools
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuits.array.gates import LEAKING, Cost, Inverter
from circuits.data import DataFile
from circuits.devices.node import Node
from circuits.errors import InputError

MOST_ERRORS = 16
LONGEST = 8192  # bits of a word: beyond any line
# primitive polynomials over GF(2): W. W. Peterson, E. J. Weldon, "Error-Correcting Codes", 1972, appendix C
PRIMITIVE = {3: 0b1011, 4: 0b10011, 5: 0b100101, 6: 0b1000011, 7: 0b10001001, 8: 0b100011101, 9: 0b1000010001,
             10: 0b10000001001, 11: 0b100000000101, 12: 0b1000001010011, 13: 0b10000000011011,
             14: 0b100010001000011}  # fmt: skip


@dataclass(frozen=True)
class Code:
    """A code over words of `data_bits`. Gates are of two inputs; depths are of the longest path, in gates.

    The syndrome is computed at every read; the rest of the decoder moves only after an error.
    """

    name: str
    data_bits: int
    check_bits: int
    corrects: int
    encode_xors: int
    encode_depth: int
    syndrome_xors: int
    syndrome_depth: int
    correct_xors: int
    correct_xor_depth: int
    correct_ands: int
    correct_and_depth: int

    @property
    def bits(self) -> int:
        return self.data_bits + self.check_bits


def _tree(inputs: int) -> int:
    return max(inputs - 1, 0).bit_length()


def _trees(weights: list[int]) -> tuple[int, int]:
    """Return the gates and the depth of trees with so many inputs each."""
    return sum(max(weight - 1, 0) for weight in weights), _tree(max(weights))


@functools.cache
def secded(data_bits: int) -> Code:
    """Return the extended Hamming code: one error corrected, two detected.

    A data bit's column is the next number that is no power of two; the parity is taken over data and check bits.
    """
    checks = next(r for r in range(2, 64) if 2**r >= data_bits + r + 1)
    columns = [c for c in range(3, 2**checks) if c & (c - 1)][:data_bits]
    rows = [sum(c >> bit & 1 for c in columns) for bit in range(checks)]
    parity = sum((1 + c.bit_count()) % 2 for c in columns)  # of the data bits alone, the check bits expanded
    encode_xors, encode_depth = _trees([*rows, parity])
    syndrome_xors, syndrome_depth = _trees([*(weight + 1 for weight in rows), data_bits + checks + 1])
    return Code("secded", data_bits, checks + 1, 1, encode_xors, encode_depth, syndrome_xors, syndrome_depth,
                data_bits, 1, data_bits * (checks - 1), _tree(checks))  # fmt: skip


def powers(field_bits: int) -> list[int]:
    """Return alpha^i of GF(2^m) for i from 0 to 2^m - 2, as bit vectors."""
    found, value = [], 1
    for _ in range(2**field_bits - 1):
        found.append(value)
        value <<= 1
        if value >> field_bits:
            value ^= PRIMITIVE[field_bits]
    return found


def generator(field_bits: int, corrects: int) -> int:
    """Return the generator polynomial over GF(2): the product of the minimal polynomials of alpha, alpha^3, ..."""
    alpha, order = powers(field_bits), 2**field_bits - 1
    log = {value: i for i, value in enumerate(alpha)}
    roots = {(odd << shift) % order for odd in range(1, 2 * corrects, 2) for shift in range(field_bits)}
    product = [1]  # coefficients in GF(2^m), the highest power first
    for root in sorted(roots):
        scaled = [alpha[(log[c] + root) % order] if c else 0 for c in product]
        product = [a ^ b for a, b in zip([*product, 0], [0, *scaled], strict=True)]
    return int("".join(map(str, product)), 2)


@functools.cache
def bch(data_bits: int, corrects: int) -> Code:
    """Return the shortest shortened BCH code; syndromes and search in parallel, a position each.

    The locator takes some 2 t^2 products of m x m ANDs and XORs for t > 1, of a depth of 2 t products; every position
    then adds t products by constants of m (m/2 - 1) XORs and compares. As D. Strukov, "The area and latency tradeoffs
    of binary bit-parallel BCH decoders for prospective nanoelectronic memories", Asilomar 2006, lays such decoders out.
    """
    for m in range(3, max(PRIMITIVE) + 1):
        if 2**m - 1 <= data_bits + corrects:
            continue
        divisor = generator(m, corrects)
        checks = divisor.bit_length() - 1
        if data_bits + checks <= 2**m - 1:
            break
    else:
        raise InputError(f"ecc: no BCH code here corrects {corrects} errors in {data_bits} bits; give shorter words")
    rows, rest = [0] * checks, 1 << checks
    for _ in range(data_bits):
        rest = rest ^ divisor if rest >> checks else rest
        for bit in range(checks):
            rows[bit] += rest >> bit & 1
        rest <<= 1
    alpha, order = powers(m), 2**m - 1
    words = range(data_bits + checks)
    syndromes = [sum(alpha[odd * i % order] >> bit & 1 for i in words) for odd in range(1, 2 * corrects, 2)
                 for bit in range(m)]  # fmt: skip
    encode_xors, encode_depth = _trees(rows)
    syndrome_xors, syndrome_depth = _trees(syndromes)
    products = 2 * corrects**2 if corrects > 1 else 0
    search = data_bits * (corrects * m * (m // 2 - 1) + corrects * m + 1)
    deep = 2 * corrects if corrects > 1 else 0
    return Code(
        f"bch{corrects}", data_bits, checks, corrects, encode_xors, encode_depth, syndrome_xors, syndrome_depth,
        products * m * m + search, deep * _tree(m) + _tree(m // 2 * corrects) + 1,
        products * m * m + data_bits * (m - 1), deep + _tree(m),
    )  # fmt: skip


def find_code(name: str, data_bits: int) -> Code:
    """Return a code by name over words of so many bits.

    Args:
        name: `secded`, or `bch` and the number of errors to correct, such as `bch2`.
        data_bits: 1 to 8192.

    Raises:
        InputError: an unknown name, or a length out of range.
    """
    match = re.fullmatch(r"bch(\d{1,3})", name) if isinstance(name, str) else None
    if name != "secded" and not (match and 1 <= int(match[1]) <= MOST_ERRORS):
        raise InputError(f"ecc {name!r}: unknown; known are secded and bch1 to bch{MOST_ERRORS}")
    if isinstance(data_bits, bool) or not isinstance(data_bits, int) or not 1 <= data_bits <= LONGEST:
        raise InputError(f"ecc: words of {data_bits!r} bits: give 1 to {LONGEST}")
    return bch(data_bits, int(match[1])) if match else secded(data_bits)


def failure_rate(bits: int, corrects: int, raw: float) -> float:
    """Return the probability that more than `corrects` of `bits` independent bits are wrong, each at a rate `raw`.

    The binomial tail, summed from its largest term; exact to rounding down to the smallest floating-point number.

    Raises:
        InputError: a rate that is no probability, or counts that are negative.
    """
    if not 0 <= raw <= 1 or bits < 0 or corrects < 0:
        raise InputError(f"raw bit error rate {raw!r} of {bits} bits: give a probability, and counts of at least 0")
    if corrects >= bits or raw == 0:
        return 0.0
    if raw == 1:
        return 1.0
    odds = raw / (1 - raw)
    upper = corrects + 1 > bits * raw  # sum the side of the mean that falls off, from its largest term
    wrong = corrects + 1 if upper else corrects
    term = math.exp(math.log(math.comb(bits, wrong)) + wrong * math.log(raw) + (bits - wrong) * math.log1p(-raw))
    terms = []
    while term > 0 and 0 <= wrong <= bits and (not terms or term > 1e-18 * terms[0]):
        terms.append(term)
        term *= (bits - wrong) / (wrong + 1) * odds if upper else wrong / (bits - wrong + 1) / odds
        wrong += 1 if upper else -1
    total = math.fsum(terms)
    return min(total, 1.0) if upper else max(1 - total, 0.0)


@dataclass(frozen=True)
class Figures:
    """See `ecc.yaml` for the meaning and the reason of each."""

    secded_word_bits: float
    bch_word_bits: float
    xor_fan_outs: float
    and_fan_outs: float
    xor_gates: float
    and_gates: float
    activity: float


@dataclass(frozen=True)
class Protection:
    """A line's code: so many words, and what encoding a write and decoding a read of the whole line cost.

    A read waits for the correction, whether there is something to correct or not; the syndrome alone takes energy.
    """

    code: Code
    words: int
    encode: Cost
    decode: Cost
    assumptions: tuple[str, ...]

    @property
    def check_bits(self) -> int:
        return self.words * self.code.check_bits

    def failure_rate(self, raw: float) -> float:
        """Return the probability that a line cannot be corrected, at a raw bit error rate."""
        one = failure_rate(self.code.bits, self.code.corrects, raw)
        return 1.0 if one >= 1 else -math.expm1(self.words * math.log1p(-one))

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code.name, "words_per_line": self.words, "data_bits_per_word": self.code.data_bits,
                "check_bits_per_word": self.code.check_bits, "encode_latency_s": float(self.encode.delay_s),
                "decode_latency_s": float(self.decode.delay_s),
                "area_m2": float(self.encode.area_m2 + self.decode.area_m2)}  # fmt: skip


def _cost(node: Node, figures: Figures, xors: float, ands: float, delay_s: float, moving: float) -> Cost:
    inverter = Inverter.of(node)
    gates = xors * figures.xor_gates + ands * figures.and_gates
    energy = figures.activity * moving * (inverter.gate_F + inverter.drain_F) * node.vdd_V**2
    leak = node.leak_W(gates * node.unit_m * (1 + node.p_to_n) * LEAKING)
    return Cost(delay_s, energy, leak, float(gates * node.row_area(0.0, 0.0, 1.0)))


def protect(node: Node, name: str, line_bits: int) -> Protection:
    """Return the protection of a line by a code: its check bits, its circuits at a node.

    Raises:
        InputError: an unknown code.
    """
    file = DataFile.open(Path(__file__).with_name("ecc.yaml"))
    figures = file.record(Figures, "figures", file.section("figures"))
    word = figures.secded_word_bits if name == "secded" else figures.bch_word_bits
    words = max(math.ceil(line_bits / word), 1)
    code = find_code(name, math.ceil(line_bits / words))
    fan_out_s = Inverter.of(node).fan_out_4_s
    xor_s, and_s = figures.xor_fan_outs * fan_out_s, figures.and_fan_outs * fan_out_s
    encode = words * code.encode_xors
    syndrome, rest = words * code.syndrome_xors, words * code.correct_xors
    depth_s = (code.syndrome_depth + code.correct_xor_depth) * xor_s + code.correct_and_depth * and_s
    return Protection(
        code,
        words,
        _cost(node, figures, encode, 0, code.encode_depth * xor_s, encode * figures.xor_gates),
        _cost(node, figures, syndrome + rest, words * code.correct_ands, depth_s, syndrome * figures.xor_gates),
        tuple(file.assumptions),
    )
