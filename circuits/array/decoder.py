"""Decoders: the row gates of a subarray, and the predecoders in front of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.driver import LATENCY, Chain, Part, Spread, chain
from circuits.array.gates import horowitz
from circuits.array.logic import drain_F, nand_leak_A, size
from circuits.array.process import Process

FIRST_RAMP = 1e41  # an address arrives as a step
MOST_BITS = 9  # three predecoders of three bits; longer blocks would need a third stage


@dataclass(frozen=True)
class Nand:
    """A NAND of minimum width: N devices as wide as they are many."""

    process: Process
    given: Assumptions
    inputs: int

    @property
    def n_m(self) -> float:
        return self.inputs * self.given.minimum_width_units * self.process.unit_m

    @property
    def p_m(self) -> float:
        return self.process.p_to_n * self.given.minimum_width_units * self.process.unit_m

    @property
    def gate_F(self) -> float:
        return self.process.gate_F_per_m * (self.n_m + self.p_m)

    @property
    def effort(self) -> float:
        return (self.inputs + self.process.p_to_n) / (1 + self.process.p_to_n)

    @property
    def drain_F(self) -> float:
        region = self.given.layout(self.process).drain_region_m
        return float(drain_F(self.process, self.given, self.n_m, self.p_m, region, self.inputs))

    @property
    def leakage_W(self) -> float:
        return nand_leak_A(self.process, self.given, self.p_m, self.inputs) * self.process.vdd_V

    def size(self) -> tuple[float, float]:
        """Return height and width [m]."""
        region = self.given.layout(self.process).gate_region_m
        high, wide = size(self.process, self.given, self.n_m, self.p_m, region, self.inputs)
        return float(high), float(wide)

    def before(self, drivers: Chain, ramp_per_s: Any) -> Part:
        """Return one NAND with the chain that it drives."""
        process = self.process
        load = self.drain_F + drivers.input_F
        step = horowitz(process.resistance(self.n_m) * self.inputs * load, process.gain / self.inputs, ramp_per_s)
        rest = drivers.cost(0.5 / step)
        (high, wide), (rest_high, rest_wide) = self.size(), drivers.size()
        return Part(
            step + rest.delay_s,
            rest.ramp_per_s,
            load * process.vdd_V**2 + rest.energy_J,
            self.leakage_W + rest.leakage_W,
            np.maximum(high, rest_high),
            wide + rest_wide,
        )


def _inverter_F(process: Process, given: Assumptions) -> float:
    return process.gate_F_per_m * (1 + process.p_to_n) * given.minimum_width_units * process.unit_m


@dataclass(frozen=True)
class RowGates:
    """The row gates of decoders with `rows` outputs: up to 8, a predecoder's lines drive the chains; beyond, a NAND
    joins the lines of two. Leakage and height are of all rows, delay and energy of the one that opens.
    """

    rows: Any
    gate: Nand
    drivers: Chain | Spread
    height_m: Any
    width_m: Any

    @property
    def fits(self) -> Any:
        return self.drivers.fits

    def spread(self, of: Any, rows: Any) -> "RowGates":
        """Return the gates of decoders with `rows` outputs, each like the one here that `of` names."""
        assert isinstance(self.drivers, Chain)
        high = (self.height_m / self.rows)[of] * rows
        return RowGates(rows, self.gate, self.drivers.spread(of), high, self.width_m[of])

    def cost(self, ramp_per_s: Any) -> Part:
        """Return the cost where the predecoders' lines rise at a ramp."""
        process, gate, joined = self.gate.process, self.gate, np.asarray(self.rows) > 8
        load = gate.drain_F + self.drivers.input_F
        step = horowitz(process.resistance(gate.n_m) * gate.inputs * load, process.gain / gate.inputs, ramp_per_s)
        rest = self.drivers.cost(np.where(joined, 0.5 / step, ramp_per_s))
        return Part(
            np.where(joined, step, 0.0) + rest.delay_s,
            rest.ramp_per_s,
            np.where(joined, load * process.vdd_V**2, 0.0) + rest.energy_J,
            (np.where(joined, gate.leakage_W, 0.0) + rest.leakage_W) * self.rows,
            self.height_m,
            self.width_m,
        )


def row_gates(process: Process, given: Assumptions, rows: Any, load_F: Any, load_ohm: Any, style: Any = LATENCY,
              least_A: Any = 0.0) -> RowGates:  # fmt: skip
    """Return the row gates, each with a chain that drives a load and delivers at least `least_A`."""
    gate, joined = Nand(process, given, 2), np.asarray(rows) > 8
    effort = np.where(joined, gate.effort, 1.0)
    input_F = np.where(joined, gate.gate_F, _inverter_F(process, given))
    drivers = chain(process, given, effort, input_F, load_F, load_ohm, style, least_A)
    high, wide = drivers.size()
    gate_high, gate_wide = gate.size()
    high, wide = np.where(joined, np.maximum(high, gate_high), high), np.where(joined, gate_wide, 0.0) + wide
    return RowGates(rows, gate, drivers, high * rows, wide)


def _all(part: Part, rows: Any) -> Part:
    return Part(part.delay_s, part.ramp_per_s, part.energy_J, part.leakage_W * rows, part.height_m * rows, part.width_m)


def _basic(process: Process, given: Assumptions, bits: int, load_F: Any, ramp_per_s: Any) -> Part:
    """Return a decoder of 1 to 3 bits: inverters, or NANDs with drivers; one line switches, all leak."""
    if bits == 1:
        drivers = chain(process, given, 1.0, _inverter_F(process, given), load_F)
        cost, (high, wide) = drivers.cost(ramp_per_s), drivers.size()
        energy = cost.energy_J + drivers.first_F * process.vdd_V**2
        return Part(cost.delay_s, cost.ramp_per_s, energy, 2 * cost.leakage_W, 2 * high, wide)
    gate = Nand(process, given, bits)
    part = gate.before(chain(process, given, gate.effort, gate.gate_F, load_F), ramp_per_s)
    return _all(part, 2**bits)


def _block(process: Process, given: Assumptions, bits: int, load_F: Any) -> Part:
    """Return a predecoder of 1 to 9 bits: decoders of 2 and 3 bits, joined by NANDs of two or three inputs."""
    if bits <= 3:
        return _basic(process, given, bits, load_F, FIRST_RAMP)
    twos = {0: 0, 1: 2, 2: 1}[bits % 3]
    kinds = [(2, twos), (3, (bits - 2 * twos) // 3)]
    kinds = [(width, count) for width, count in kinds if count]
    gate = Nand(process, given, sum(count for _, count in kinds))
    last = chain(process, given, gate.effort, gate.gate_F, load_F)
    first = [(_basic(process, given, width, 2 ** (bits - width) * gate.gate_F, FIRST_RAMP), n) for width, n in kinds]
    ends = [gate.before(last, part.ramp_per_s) for part, _ in first]
    own = given.first_predecoder_delay_share
    delay = [
        own * first[0][0].delay_s + (1 - own) * part.delay_s + end.delay_s
        for (part, _), end in zip(first, ends, strict=True)
    ]
    copies = [1 + given.predecoder_copies_share * (n - 1) for _, n in first]
    parts = [part for part, _ in first]
    final = _all(ends[-1], 2**bits)
    return Part(
        np.maximum.reduce(delay),
        np.maximum.reduce([end.ramp_per_s for end in ends]),
        sum(n * part.energy_J for n, part in zip(copies, parts, strict=True)) + final.energy_J,
        sum(n * part.leakage_W for n, part in zip(copies, parts, strict=True)) + final.leakage_W,
        np.maximum(sum(n * part.height_m for part, n in first), final.height_m),
        np.maximum.reduce([part.width_m for part in parts]) + final.width_m,
    )


@dataclass(frozen=True)
class Predecode:
    """Predecoders of a mat: their delay, the ramp of the later one, energy, leakage and area."""

    delay_s: Any
    ramp_per_s: Any
    energy_J: Any
    leakage_W: Any
    area_m2: Any


def predecode(process: Process, given: Assumptions, bits: Any, load_F: Any) -> Predecode:
    """Return the one or two predecoders of `bits` address bits, each driving a load: the larger half goes first."""
    bits, load_F = (np.atleast_1d(x) for x in np.broadcast_arrays(bits, load_F))
    second = np.where(bits > 3, bits // 2, 0)
    sums = [np.zeros(bits.shape) for _ in range(5)]
    sums[1] = np.full(bits.shape, FIRST_RAMP)
    larger = bits - second
    for width in range(1, MOST_BITS + 1):
        copies = (larger == width).astype(int) + (second == width)
        here = np.nonzero(copies)[0]
        if not len(here):
            continue
        part, n = _block(process, given, width, load_F[here]), copies[here]
        sums[0][here] = np.maximum(sums[0][here], part.delay_s)
        sums[1][here] = np.minimum(sums[1][here], part.ramp_per_s)
        sums[2][here] += n * part.energy_J
        sums[3][here] += n * part.leakage_W
        sums[4][here] += n * part.height_m * part.width_m
    return Predecode(*sums)
