"""The H-tree of a bank: which bits run on which level, how long its wires are, what they cost."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.decoder import Nand
from circuits.array.element import Element
from circuits.array.gates import horowitz
from circuits.array.logic import drain_F, inverter_leak_A, nand_leak_A, size
from circuits.array.parts import amplify
from circuits.array.process import Metal, Process

LEVELS = 10  # at most 1024 mats along a side
UNLIMITED_m = 1e41
STEP_RAMP = 1e20  # so steep that it adds nothing
SWING_V, OVERDRIVE_V, SWING_OHMS = 0.1, 0.4, 8.6  # low-swing wires, as CACTI and NVSim have them


@dataclass(frozen=True)
class Tree:
    """Levels from the root (row 0), one set for each direction: bits on a wire bundle, bundles in use, bundles in all,
    bundles side by side; zero bits where a bank has no such level. And what arrives at a mat.
    """

    levels: tuple[Any, Any]
    bits: tuple[Any, Any]
    active: tuple[Any, Any]
    total: tuple[Any, Any]
    beside: tuple[Any, Any]
    mat_address: Any
    mat_spread: Any
    fits: Any


def branch(rows: Any, columns: Any, active_rows: Any, active_columns: Any, address: Any, spread: Any,
           shared: Any) -> Tree:  # fmt: skip
    """Return the tree of banks of `rows` x `columns` mats, powers of two.

    The root is horizontal. A fork towards mats that work together halves the bits that are `spread` over them, an odd
    one over; any other fork takes one address bit; `shared` bits go everywhere. The longer direction forks first.
    """
    across, down = (np.round(np.log2(x)).astype(int) for x in (columns, rows))
    n = across.shape
    bits, active, total, beside = ([np.zeros((LEVELS, *n)) for _ in range(2)] for _ in range(4))
    left, to_rows, to_columns = across.copy(), active_rows.copy(), active_columns.copy()
    below = down.copy()
    address, spread = address * np.ones(n, dtype=int), spread * np.ones(n, dtype=int)
    busy, all_, fits = np.ones(n), np.ones(n), np.ones(n, dtype=bool)
    beside_h, beside_v = np.ones(n), np.ones(n)

    def note(way: int, here: Any, level: Any, side: Any) -> None:
        where = np.nonzero(here)
        at = (level[where], *where)
        for table, values in ((bits, address + spread + shared), (active, busy), (total, all_), (beside, side)):
            table[way][at] = values[where]

    def fork(here: Any, targets: Any) -> None:
        nonlocal address, spread, busy, all_, fits
        fits &= ~here | ((spread + shared > 0) & (address > 0))
        halve = here & (targets > 1)
        fits &= ~halve | (spread > 1)
        spread = np.where(halve, -(-spread // 2), spread)
        targets[halve] //= 2
        busy = np.where(halve, 2 * busy, busy)
        address = np.where(here & ~halve, address - 1, address)
        all_ = np.where(here, 2 * all_, all_)

    root = across > 0
    fits &= ~root | ((spread + shared > 0) & (address > 0))
    note(0, root, across - left, np.ones(n))
    left = left - root
    for _ in range(2 * LEVELS):
        wide, high = (left > below), (below > left)
        even = ~wide & ~high & (left > 0)
        if not (wide | high | even).any():
            break
        sideways = wide | even
        fork(sideways, to_columns)
        note(0, sideways, across - left, np.where(wide, 1.0, beside_h))
        beside_v = np.where(wide, 2 * beside_v, beside_v)
        left = left - sideways
        upright = high | even
        fork(upright, to_rows)
        note(1, upright, down - below, np.where(high, 1.0, np.where(across == 2, 1.0, 2.0) * beside_v))
        beside_h = np.where(high | even, 2 * beside_h, beside_h)
        beside_v = np.where(even, 2 * beside_v, beside_v)
        below = below - upright
    fits &= (spread + shared > 0) & (address > 0)
    halve = to_columns > 1
    fits &= ~halve | (spread > 1)
    spread = np.where(halve, -(-spread // 2), spread)
    address = np.where(~halve & root, address - 1, address)
    return Tree((across, down), (bits[0], bits[1]), (active[0], active[1]), (total[0], total[1]),
                (beside[0], beside[1]), address, spread, fits)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What a wire of a length costs: delay [s], energy [J] of one switching, leakage [W]."""

    delay_s: Any
    energy_J: Any
    leakage_W: Any


@dataclass(frozen=True)
class Repeater:
    """A wire's repeaters: width of the N device and spacing; the silicon they take beside the wire, or below it."""

    n_m: float
    spacing_m: float
    pitch_m: float
    sharing: int
    m2_per_m: float


def _inverter(process: Process, given: Assumptions, n_m: float) -> tuple[float, float, float]:
    """Return resistance, input and output capacitance of a repeater, which is not folded."""
    p_m = n_m * process.p_to_n
    p_ohm = process.resistance_factor * process.vdd_V / (process.on_p_A_per_m * p_m)
    ohm = process.resistance(n_m) + given.repeater_p_share * p_ohm
    drain = drain_F(process, given, n_m, 0.0, UNLIMITED_m) + drain_F(process, given, 0.0, p_m, UNLIMITED_m)
    return ohm, process.gate_F_per_m * (n_m + p_m), drain


def repeat(process: Process, given: Assumptions, metal: Metal) -> Repeater:
    """Return repeaters of size sqrt(R c/(C r)), sqrt(2 R (C + Cd)/(r c)) apart; with slack, smaller and farther.

    Beyond the optimum the delay rises slowly, and energy, leakage and area of the repeaters fall fast.
    """
    least = given.minimum_width_units * process.unit_m
    ohm, gate, drain = _inverter(process, given, least)
    scale = math.sqrt(ohm * metal.F_per_m / gate / metal.ohm_per_m) / given.repeater_slack
    spacing = math.sqrt(2 * ohm * (drain + gate) / (metal.ohm_per_m * metal.F_per_m)) * given.repeater_slack
    high, wide = (float(x) for x in size(process, given, scale * least, scale * least * process.p_to_n, UNLIMITED_m))
    high, wide = min(high, wide), max(high, wide)
    sharing = max(math.floor(spacing / high), 1)
    if given.wire_pitch_share:  # so many wires whose repeaters stand in one row still need a pitch each
        sharing = max(min(sharing, math.floor((metal.pitch_m + wide) / metal.pitch_m)), 1)
    return Repeater(scale * least, spacing, metal.pitch_m + wide, sharing, high * wide / spacing)


def run(process: Process, given: Assumptions, cell: object, metal: Metal, length_m: Any) -> Run:
    """Return wires of any length in a metal: bare, repeated, or of a low swing before a described cell's amplifier."""
    if metal.style == "repeated":
        return _repeated(process, given, metal, length_m)
    if metal.style == "low-swing" and isinstance(cell, Element):
        return _low_swing(process, given, cell, metal, length_m)
    total_F = metal.F_per_m * length_m
    return Run(given.wire_factor / 2 * metal.ohm_per_m * length_m * total_F, total_F * process.vdd_V**2, 0.0 * total_F)


def _repeated(process: Process, given: Assumptions, metal: Metal, length_m: Any) -> Run:
    one = repeat(process, given, metal)
    n_m, p_m = one.n_m, one.n_m * process.p_to_n
    ohm, gate, drain = _inverter(process, given, n_m)
    far = gate + given.repeater_far_drain_share * (drain - gate)
    span_F, span_ohm = metal.F_per_m * one.spacing_m, metal.ohm_per_m * one.spacing_m
    tau = ohm * (gate + drain) + ohm * span_F + span_ohm * far + span_ohm * span_F / 2
    energy = (gate + drain + span_F) * process.vdd_V**2
    leak = inverter_leak_A(process, given, n_m, p_m) * process.vdd_V
    per_m = length_m / one.spacing_m
    return Run(-math.log(0.5) * tau * per_m, energy * per_m, leak * per_m)


def _low_swing(process: Process, given: Assumptions, cell: Element, metal: Metal, length_m: Any) -> Run:
    """Return a wire that swings by 0.1 V behind a NAND and an inverter, before a latch amplifier."""
    unit, supply, layout = process.unit_m, process.vdd_V, given.layout(process)
    least, region, fold = given.minimum_width_units * unit, layout.gate_region_m, layout.drain_region_m
    ratio, gain = process.p_to_n, process.gain

    def gate(n_m: Any, p_m: Any) -> Any:
        return process.gate_F_per_m * (n_m + p_m)

    load = gate(least, ratio * least) + drain_F(process, given, least, ratio * least, fold)
    up = process.resistance_factor * supply / (process.on_p_A_per_m * ratio * least)
    rise = 0.5 / horowitz(up * load, 1 / (up * process.conductance_p(ratio * least)), STEP_RAMP)
    down = process.resistance(least)
    ramp = 0.5 / horowitz(down * load, gain, rise)
    four_s = horowitz(down * (load + 3 * gate(least, ratio * least)), gain, STEP_RAMP)
    line_F, line_ohm = metal.F_per_m * length_m, metal.ohm_per_m * length_m
    wanted = down * least * SWING_OHMS * math.log(2) * line_F / (8 * four_s)
    most = given.maximum_width_units * unit
    drive = np.where(line_F * line_ohm > 8 * four_s, most, np.clip(wanted, least, most))
    effort = (2 + ratio) / (1 + ratio)
    stage = np.sqrt(effort * gate(drive, 0.0) / gate(2 * least, 2 * ratio * least))
    scale = np.maximum(effort * gate(drive, 0.0) / stage / gate(least, ratio * least), 1.0)
    nand = Nand(process, given, 2)
    load = drain_F(process, given, nand.n_m, nand.p_m, region, 2) + gate(scale * least, scale * ratio * least)
    step = horowitz(2 * down * load, gain / 2, ramp)
    delay, energy = step, load * supply**2
    load = drain_F(process, given, scale * least, scale * ratio * least, region) + gate(drive, 0.0)
    ohm = process.resistance(scale * least)
    step = horowitz(ohm * load, 1 / (ohm * process.conductance_n(least)), 0.5 / step)
    delay, energy = delay + step, energy + load * supply**2
    leak = 4 * supply * (inverter_leak_A(process, given, scale * least, scale * ratio * least)
                         + nand_leak_A(process, given, nand.p_m, 2))  # fmt: skip
    sense = amplify(process, given, cell, 1.0)
    own = drain_F(process, given, drive, 0.0, region)
    ohm = process.resistance(drive)
    tau = ohm * SWING_OHMS * (line_F + 2 * own) + line_F * line_ohm / 2 + (ohm + line_ohm) * sense.load_F
    delay = delay + horowitz(tau, gain, 0.5 / step)
    energy = 2 * (energy + (line_F + 2 * own + sense.load_F) * SWING_V * OVERDRIVE_V)
    leak = leak + 4 * supply * drive * process.off_n_A_per_m
    latch = given.swing_amplifier_share
    return Run(delay + latch * sense.delay_s, energy + latch * sense.energy_J, leak + latch * sense.leakage_W)
