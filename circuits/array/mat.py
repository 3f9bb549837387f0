"""A mat: its subarrays around the predecoders, and a tag's comparators."""

from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.decoder import Predecode, predecode
from circuits.array.driver import fan_out_4_s
from circuits.array.gates import horowitz
from circuits.array.logic import drain_F, inverter_leak_A, size
from circuits.array.organisation import Content, Form, Organisations, log2
from circuits.array.process import Metal, Process
from circuits.array.subarray import Bit, Block, Subarray


class Mat(Block):
    """Mats of a bank, from their port."""


def comparators(process: Process, given: Assumptions, bits: Any) -> tuple[Any, Any, Any, Any]:
    """Return delay [s], energy [J], leakage [W] and area [m2] of one tag comparator: four quarters, each a chain of
    four inverters that pulls a row of N pairs down, as CACTI has it.
    """
    unit, supply, layout = given.comparator_units * process.unit_m, process.vdd_V, given.layout(process)
    n_m = np.array([3.0, 6.0, 12.0, 20.0]) * unit
    p_m = np.array([5.0, 10.0, 20.0, 40.0]) * unit
    pair, load = 5.0 * unit, 15.0 * unit
    fold, region = layout.drain_region_m, layout.gate_region_m
    gates, drains = process.gate_F_per_m * (n_m + p_m), drain_F(process, given, n_m, p_m, fold)
    quarter = np.asarray(bits) // 4
    pair_F = drain_F(process, given, pair, 0.0, region, 2)
    bottom = drains[-1] + quarter * pair_F
    top = quarter * pair_F + drain_F(process, given, 0.0, load, fold)
    delay, ramp, energy = 0.0, 1e41, 0.0
    for i in range(3):
        node_F = drains[i] + gates[i + 1]
        step = horowitz(process.resistance(n_m[i]) * node_F, process.gain, ramp)
        delay, ramp, energy = delay + step, 0.5 / step, energy + node_F * supply**2
    down = process.resistance(n_m[-1])
    delay = delay + horowitz(down * bottom + (down + 2 * process.resistance(pair)) * top, 0.0, ramp)
    leak = 4 * float(np.sum(inverter_leak_A(process, given, n_m, p_m))) * supply
    high, wide = size(process, given, n_m, p_m, region)
    pair_high, pair_wide = size(process, given, pair, 0.0, region, 2)
    area = (high.max() + pair_high) * np.maximum(wide.sum(), quarter * pair_wide) * 4
    return delay, 4 * (energy + (bottom + top) * supply**2), leak + 0.0 * quarter, area


def _selects(process: Process, given: Assumptions, form: Form) -> list[Predecode]:
    """Return the predecoders of the three multiplexers: their lines are short, so one of each size is enough."""
    all_bits = [log2(mux) for mux in (form.mux, form.mux_1, form.mux_2)]
    table = predecode(process, given, np.arange(max(bits.max(initial=0) for bits in all_bits) + 1), 0.0)
    return [Predecode(*(values[bits] for values in vars(table).values())) for bits in all_bits]


def mats(process: Process, given: Assumptions, cell: Bit, local: Metal, content: Content, at: Organisations,
         form: Form, decoded: Any, ways: Any) -> tuple[Mat, Subarray]:  # fmt: skip
    """Return the mats, and their subarrays; `ways` tags of a set lie in each. Predecoders stand amid the subarrays."""
    copies, working = at.mat_rows * at.mat_columns, at.sub_rows * at.sub_columns
    rows: list[Predecode] = []

    def ramp_of(width_m: Any, height_m: Any) -> Any:
        line_F = local.F_per_m * (height_m * at.mat_rows / 2 + width_m * at.mat_columns / 2)
        rows.append(predecode(process, given, decoded, line_F))
        return rows[0].ramp_per_s

    one = cell.subarray(process, given, local, form, ramp_of)
    row = rows[0]
    selects = _selects(process, given, form)
    before_s = np.maximum.reduce([row.delay_s, *(part.delay_s for part in selects)])
    if given.latched_fan_outs:
        before_s = before_s + given.latched_fan_outs * fan_out_4_s(process, given)
    predecoders = (row, *selects)
    area = sum(part.area_m2 for part in predecoders)
    energy = sum(part.energy_J for part in predecoders)
    width, height = one.width_m * at.mat_columns, one.height_m * at.mat_rows
    side = np.sqrt(area)
    width, height = np.where(width > height, width + side, width), np.where(width > height, height, height + side)
    read_s, leak = before_s + one.read_s, sum(part.leakage_W for part in predecoders) + one.leakage_W * copies
    read_J = energy + one.read_J * working
    write_J = energy + (one.write_J + one.write_line_J * content.way_share) * working
    if content.tag:
        delay, spent, idle, taken = comparators(process, given, content.word_bits)
        height = height + ways * taken / width
        read_s, read_J, write_J = read_s + delay, read_J + spent * ways, write_J + spent * ways
        leak = leak + idle * ways
    return Mat(width, height, read_s, before_s + one.early_s, before_s + one.write_s, before_s + one.drive_s,
               one.column_s, read_J, write_J, energy + one.set_J * working, energy + one.reset_J * working,
               leak), one  # fmt: skip
