"""A subarray of cells as a cell file describes them: by resistances, currents, pulses and sense voltages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.decoder import RowGates, row_gates
from circuits.array.element import Element
from circuits.array.gates import horowitz
from circuits.array.groups import groups
from circuits.array.logic import drain_F, inverter_leak_A
from circuits.array.organisation import Form
from circuits.array.parts import Amplifier, Mux, Precharge, amplify, multiplex, precharge
from circuits.array.process import Metal, Process
from circuits.array.subarray import Subarray, side_m

LN2 = float(np.log(2))


@dataclass(frozen=True)
class Lines:
    """A subarray's two lines, and the currents that a write drives through them."""

    word_m: Any
    bit_m: Any
    wire_F: Any
    word_F: Any
    word_ohm: Any
    bit_F: Any
    bit_ohm: Any
    cell_F: Any
    access_ohm: float
    word_A: Any
    bit_A: Any


def lines(process: Process, given: Assumptions, cell: Element, local: Metal, at: Form) -> Lines:
    """Return the lines: wire, and the gate or drain of each cell; two cells share a drain contact."""
    f = process.feature_m
    word_m, bit_m = at.columns * cell.width_features * f, at.rows * cell.height_features * f
    wire_F, word_ohm = word_m * local.F_per_m, word_m * local.ohm_per_m
    bit_F, bit_ohm = bit_m * local.F_per_m, bit_m * local.ohm_per_m
    width = cell.access_features * f
    write_A = max(abs(cell.reset.A), abs(cell.set.A))
    word_A: Any = 0.0
    bit_A: Any = 0.0
    if cell.access == "CMOS":
        gates = (2 if cell.volatile else 1) * process.gate_F_per_m * width
        own = drain_F(process, given, width, 0.0, cell.width_features * f)
        word_F, bit_F = wire_F + gates * at.columns, bit_F + own * at.rows / 2
        access = process.resistance(width)
        if not cell.volatile:
            bit_A = write_A + cell.access_leak_A * (at.rows - 1)
    else:
        own, access = cell.own_F, 0.0
        word_F, bit_F = wire_F + own * at.columns, bit_F + own * at.rows
        one = abs(cell.reset.A) or (abs(cell.reset.V) - cell.drop_V) / cell.write_ohm
        half = one * cell.write_ohm / 2 / cell.half_select_ohm if cell.access == "none" else cell.access_leak_A
        word_A = one * at.selected + half * (at.columns - at.selected)
        bit_A = one + half * (at.rows - 1)
    return Lines(word_m, bit_m, wire_F, word_F, word_ohm, bit_F, bit_ohm, own, access, word_A, bit_A)


def _levels(cell: Element, line: Lines, supply_V: float) -> tuple[Any, Any, Any, Any, Any]:
    """Return a resistive cell's two resistances to the bit line, its two voltages there, and the precharge voltage."""
    on, off = line.access_ohm + cell.on_ohm, line.access_ohm + cell.off_ohm
    if cell.read_V:
        series = (on * off) ** 0.5
        low, high = (cell.read_V * ohm / (ohm + series) for ohm in (on, off))
        on, off = (ohm * series / (ohm + series) for ohm in (on, off))
    else:
        low, high = cell.read_A * on, cell.read_A * off
    return on, off, low, high, min(supply_V, (low + high) / 2)


def _bit_line_s(process: Process, cell: Element, line: Lines, seen_F: Any, ramp: Any) -> Any:
    """Return the time [s] until a bit line shows its cell."""
    if cell.volatile:
        f = process.feature_m
        down = process.resistance(cell.pull_down_features * f)
        half = process.vdd_V / 2
        tau = (line.access_ohm + down) * (line.cell_F + line.bit_F + seen_F)
        tau = (tau + line.bit_ohm * (seen_F + line.bit_F / 2)) * np.log(half / (half - cell.sense_V / 2))
        return horowitz(tau, 1 / (down * process.conductance_n(cell.access_features * f)), ramp)
    if not cell.voltage_sensed:
        off = line.access_ohm + cell.off_ohm
        return LN2 * line.bit_ohm * line.bit_F / 2 * (off + line.bit_ohm / 3) / (off + line.bit_ohm)
    on, off, low, high, charged = _levels(cell, line, process.vdd_V)
    along = line.bit_ohm * (seen_F + line.bit_F / 2)
    times = [
        (ohm * (line.cell_F + line.bit_F + seen_F) + along) * np.log(gap / (gap - cell.sense_V))
        for ohm, gap in ((on, charged - low), (off, high - charged))
    ]
    return np.maximum(*times)


def _read_line_J(process: Process, given: Assumptions, cell: Element, line: Lines, mux: Mux, at: Form) -> Any:
    """Return the energy [J] of all columns' bit lines in a read: an opened row moves every one of them."""
    total_F = line.cell_F + line.bit_F + mux.drain_F
    if cell.volatile:
        half = process.vdd_V / 2
        return total_F * half**2 * at.columns * (1 + given.precharge_share)
    if cell.voltage_sensed:
        low, charged = (_levels(cell, line, process.vdd_V)[i] for i in (2, 4))
        return total_F * (charged**2 - low**2) * at.columns
    ohms = mux.ohm + line.bit_ohm + line.access_ohm + cell.on_ohm
    near, far = (cell.read_V * ohm / ohms for ohm in (mux.ohm, mux.ohm + line.bit_ohm))
    spread = line.bit_F * (far**2 + near**2 + far * near) / 3
    return (line.cell_F * far**2 + mux.drain_F * near**2 + spread) * at.columns


def _written_J(process: Process, given: Assumptions, cell: Element, line: Lines, mux: Mux, at: Form) -> tuple[Any, Any]:
    """Return the energies [J] of setting and of resetting the selected bits, bit lines included."""
    total_F = line.cell_F + line.bit_F + mux.drain_F
    if cell.volatile:
        both = total_F * (process.vdd_V / 2) ** 2 * at.columns / at.mux / at.mux_1 / at.mux_2
        return both, both
    found = []
    for pulse, own in ((cell.set, cell.set_J(process.vdd_V)), (cell.reset, cell.reset_J(process.vdd_V))):
        swing = pulse.V if pulse.by_voltage else process.vdd_V
        found.append((own + total_F * swing**2) * at.selected)
    if cell.kind == "PCRAM":
        found = [one / given.phase_change_efficiency for one in found]
    return found[0], found[1]


def _write_s(cell: Element, row_s: Any, column_s: Any, charge_s: Any) -> Any:
    open_s = np.maximum(row_s, column_s + charge_s)
    if cell.access == "CMOS" or cell.kind == "PCRAM":
        return open_s + max(cell.reset.s, cell.set.s)
    return open_s + charge_s + cell.reset.s + cell.set.s  # a cross-point writes its ones and zeros in turn


def most_rows(process: Process, cell: Element) -> float:
    """Return how many resistive cells a bit line may carry before their leakage equals an access device's current."""
    if cell.volatile or cell.access != "CMOS":
        return float("inf")
    return process.on_n_A_per_m / process.off_n_A_per_m


def _fits(process: Process, given: Assumptions, cell: Element, line: Lines, at: Form) -> Any:
    """Return where a subarray can be built: drivers wide enough, bit lines not lost in their cells' leakage."""
    most = given.maximum_width_units * process.unit_m * process.on_n_A_per_m
    fits = (at.rows >= 1) & (at.rows <= most_rows(process, cell)) & (line.bit_A <= most) & (line.word_A <= most)
    if not cell.volatile and cell.voltage_sensed:
        low, charged = (_levels(cell, line, process.vdd_V)[i] for i in (2, 4))
        fits = fits & (charged - low > cell.sense_V)
    return fits


def _parts(process: Process, given: Assumptions, cell: Element, local: Metal, line: Lines, at: Form,
           ) -> tuple[RowGates, list[RowGates], tuple[Amplifier, tuple[Mux, Mux, Mux], Precharge]]:  # fmt: skip
    """Return row gates, the gates of the multiplexers' selects, and what stands under the columns.

    Each is evaluated once for every distinct form; a cross-point's drivers depend on all of rows, columns and bits.
    """
    f = process.feature_m
    plain = cell.access == "CMOS" and not cell.access_leak_A
    word_A, bit_A = (np.broadcast_to(x, at.rows.shape) for x in (line.word_A, line.bit_A))
    drawn = [] if plain else [at.rows, at.selected]
    to = groups(at.columns, at.rows > 8, at.style, *drawn)
    k = to.first
    row = row_gates(process, given, at.rows[k], line.word_F[k], line.word_ohm[k], at.style[k], word_A[k])
    rows = row.spread(to.of, at.rows)
    selects = []
    for inputs in (at.mux, at.mux_1, at.mux_2):
        to = groups(at.columns, inputs > 8, at.style, *drawn)
        k = to.first
        pass_m = np.maximum(given.minimum_width_units * process.unit_m, bit_A[k] / process.on_n_A_per_m)
        gate_F = process.gate_F_per_m * pass_m * at.columns[k] + line.wire_F[k]
        gates = row_gates(process, given, inputs[k], gate_F, line.word_ohm[k], at.style[k])
        selects.append(gates.spread(to.of, inputs))
    to = groups(at.mux, at.mux_1, at.mux_2, *drawn)
    k = to.first
    out_2 = multiplex(process, given, cell, at.mux_2[k], 0.0, 0.0, bit_A[k])
    out_1 = multiplex(process, given, cell, at.mux_1[k], out_2.seen_F, out_2.drain_F, bit_A[k])
    sense = amplify(process, given, cell, cell.width_features * f * at.mux[k])
    mux = multiplex(process, given, cell, at.mux[k], sense.load_F, sense.load_F, bit_A[k])
    muxes = (to.take(mux), to.take(out_1), to.take(out_2))
    by_column = groups(at.columns)
    charge = by_column.take(precharge(process, given, cell, local, at.columns[by_column.first]))
    return rows, selects, (to.take(sense), muxes, charge)


def build(process: Process, given: Assumptions, cell: Element, local: Metal, at: Form,
          ramp_of: Callable[[Any, Any], Any]) -> Subarray:  # fmt: skip
    """Return a subarray for every form; `ramp_of` gives the predecoders' ramp once width and height are known."""
    f, supply = process.feature_m, process.vdd_V
    line = lines(process, given, cell, local, at)
    fits = _fits(process, given, cell, line, at)
    row_gate, select_gates, (sense, muxes, charge) = _parts(process, given, cell, local, line, at)
    mux, out_1, out_2 = muxes
    shared = at.columns // at.mux
    counts = (shared, shared // at.mux_1, at.selected)
    beside_m = np.maximum.reduce([side_m(row_gate, line.bit_m), *(part.width_m for part in select_gates)])
    foot_m = charge.height_m + sense.height_m + sum(m.height_m for m in muxes)
    width_m, height_m = line.word_m + beside_m, line.bit_m + foot_m
    ramp = ramp_of(width_m, height_m)
    row, selects = row_gate.cost(ramp), [part.cost(ramp) for part in select_gates]

    column_s = np.maximum.reduce([part.delay_s for part in selects])
    shown_s = _bit_line_s(process, cell, line, mux.seen_F, row.ramp_per_s)
    read_s = np.maximum(row.delay_s, column_s) + shown_s + mux.delay_s
    after_s = sense.delay_s + out_1.delay_s + out_2.delay_s
    if cell.volatile:
        write_s = read_s + given.write_sensing_share * after_s
        drive_s = np.maximum(row.delay_s, column_s)
    else:
        pass_ohm, pass_F = sum(m.ohm for m in muxes), sum(m.drain_F for m in muxes)
        settle_s = LN2 * (pass_ohm * (pass_F + line.bit_F) + line.bit_ohm * line.bit_F / 2)
        write_s, drive_s = _write_s(cell, row.delay_s, column_s, settle_s), row.delay_s

    select_J = sum(part.energy_J for part in selects)
    mux_J = sum(m.energy_J * count for m, count in zip(muxes, counts, strict=True))
    reading_J = 0.0 if cell.volatile else 2 * cell.reading_W(supply) * sense.delay_s * at.selected
    read_J = _read_line_J(process, given, cell, line, mux, at) + reading_J + row.energy_J + select_J
    set_J, reset_J = _written_J(process, given, cell, line, mux, at)
    write_J = row.energy_J + select_J + mux_J * (1 if cell.access == "CMOS" else 2)
    rest_J, carried = select_J + mux_J, given.reset_carries_set_share
    leak_W = row.leakage_W + charge.leakage_W + sense.leakage_W * shared + sum(part.leakage_W for part in selects)
    if cell.volatile:
        own_A = 2 * inverter_leak_A(process, given, cell.pull_down_features * f, cell.pull_up_features * f)
        own_A = own_A + cell.access_features * f * process.off_n_A_per_m
        leak_W = leak_W + own_A * supply * at.rows * at.columns

    return Subarray(
        width_m=width_m,
        height_m=height_m,
        read_s=read_s + after_s,
        early_s=row.delay_s + shown_s,
        write_s=write_s,
        drive_s=drive_s,
        column_s=column_s,
        read_J=read_J + charge.energy_J + mux_J + sense.energy_J * shared,
        write_J=write_J,
        write_line_J=np.maximum(set_J, reset_J),
        set_J=set_J + rest_J,
        reset_J=rest_J + (1 - carried) * reset_J + carried * (set_J + rest_J),
        leakage_W=leak_W,
        refresh_W=np.zeros_like(row.delay_s),
        cells_m2=line.word_m * line.bit_m,
        fits=fits & row_gate.fits & sense.fits & (at.selected >= 1),
    )
