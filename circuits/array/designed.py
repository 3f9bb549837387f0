"""A subarray of cells designed from a node's devices, and that node as the array equations see it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.array.assumptions import Assumptions
from circuits.array.choices import ColumnChoices
from circuits.array.decoder import RowGates, row_gates
from circuits.array.dynamic import charge_sensed, gain_sensed
from circuits.array.groups import groups
from circuits.array.organisation import Form
from circuits.array.process import Layout, Metal, Process
from circuits.array.sensing import current_sensed, far_ohm, voltage_sensed
from circuits.array.subarray import Subarray, side_m
from circuits.cells.cell import Cell
from circuits.devices.node import Node

SENSING = {"sram": voltage_sensed, "sram8t": voltage_sensed, "gain": gain_sensed, "edram": charge_sensed}
STORING = ("edram", "gain")
RAIL_SHARE = 0.25  # of what a row's height leaves beside its fins: each of two rails; between the wells the rest
NEVER_FOLDS_m = 1e3
DRAIN_ENDS_FEATURES = 5.0  # both ends of a drain with its contact, 2.5 F each


def process_of(node: Node, leak_share: float = 1.0) -> Process:
    """Return a node as the array equations see it: drains cost so much per width, and planar ones so much per end.

    Idle logic leaks `leak_share` of its devices' off-current.
    """
    sidewall = node.drain_end_F / (DRAIN_ENDS_FEATURES * node.track_m)
    return Process(
        feature_m=node.track_m, unit_m=node.unit_m, vdd_V=node.vdd_V, threshold_V=node.transistors.threshold_V,
        gate_F_per_m=node.gate_F(1.0), junction_F_per_m2=0.0, sidewall_F_per_m=sidewall,
        channel_F_per_m=node.drain_F(1.0) - sidewall,
        gm_n_S_per_m=node.transconductance(1.0), gm_p_S_per_m=node.transconductance(1.0) / node.p_to_n,
        p_to_n=node.p_to_n, resistance_factor=node.transistors.effective_resistance_factor,
        on_n_A_per_m=node.on_n_A_per_m, on_p_A_per_m=node.on_p_A_per_m,
        off_n_A_per_m=leak_share * node.off_current_A_per_m, off_p_A_per_m=leak_share * node.off_current_A_per_m,
        drawn=_drawn(node) if node.kind == "finfet" else None,
    )  # fmt: skip


def _drawn(node: Node) -> Layout:
    """Return how a FinFET node draws gates: a finger a gate pitch, fins at their pitch in rows of a standard height."""
    fins_m = 2 * node.row_width_m / node.unit_m * node.track_m
    rest_m = node.row_height_m - fins_m
    gate_m = node.gate_pitch_m / 3
    rail_m, well_m = RAIL_SHARE * rest_m, (1 - 2 * RAIL_SHARE) * rest_m
    # contacts at both ends of a gate of f fingers make it f + 1 pitches wide
    return Layout(
        drawn_per_gated=node.track_m / node.unit_m, gate_m=gate_m, gate_gap_m=node.gate_pitch_m - gate_m,
        contact_m=node.gate_pitch_m - gate_m / 2, well_gap_m=well_m, diffusion_gap_m=well_m, rail_m=rail_m,
        fold_loss_m=0.0, gate_region_m=fins_m + well_m, drain_region_m=NEVER_FOLDS_m,
    )  # fmt: skip


def metal_of(node: Node, level: str, style: str = "bare") -> Metal:
    """Return a metal level of a node, with or without repeaters."""
    wire = node.wires[level]
    return Metal(wire.ohm_per_m, wire.F_per_m, wire.pitch_m, style)


@dataclass(frozen=True)
class Designed:
    """A cell designed from devices, with the choices that its columns rest on; `ports` sets of decoders and columns."""

    cell: Cell
    node: Node
    choices: ColumnChoices
    ports: int = 1

    def most_rows(self, process: Process) -> float:
        """Return how many cells a bit line may carry: until what the idle ones leak is what one that is read draws.

        Idle cells see the bit line's voltage in a read: the supply, or the small bias of a resistive cell, which draws
        from them as from a resistance.
        """
        own = self.cell.kind in STORING  # their devices are not the logic's, and leak what keeps their bit so long
        biased = 1.0 if self.cell.kind in SENSING else min(self.cell.read_V / process.vdd_V, 1.0)
        off_A = self.node.off_current_A_per_m * self.cell.read_drain_m * biased
        cell_A = self.cell.leakage_W / process.vdd_V
        idle_A = cell_A if own else min(off_A, cell_A) if self.cell.kind in SENSING else off_A
        return self.cell.read_current_A / idle_A if idle_A > 0 else float("inf")

    def refusal(self, process: Process, rows: int) -> str:
        """Return why a bit line cannot have so many rows, with the limit's value; empty where it can."""
        most = self.most_rows(process)
        if rows > most:
            return f"from {most:.0f} rows on, idle cells leak as much into a bit line as one that is read draws from it"
        if self.cell.kind not in SENSING:
            ohm, most = far_ohm(self.node, self.cell, self.choices, rows)
            if ohm > most:
                return f"bit and source line to the farthest row have {ohm:.0f} ohm, of at most {most:.0f}"
        return ""

    def subarray(self, process: Process, given: Assumptions, local: Metal, at: Form,
                 ramp_of: Callable[[Any, Any], Any]) -> Subarray:  # fmt: skip
        """Return a subarray for every form; `ramp_of` gives the predecoders' ramp once width and height are known.

        Word lines may be strapped in `local`. A cell that writes through another word line has two sets of row gates.
        """
        node, cell, choices = self.node, self.cell, self.choices
        word_m, bit_m = at.columns * cell.width_m, at.rows * cell.height_m
        to = groups(at.columns, at.rows > 8, at.style)

        lowest = node.wires["local"]
        strap = given.strap_share
        word_ohm = word_m * (strap * local.ohm_per_m + (1 - strap) * lowest.ohm_per_m)

        def opens(gate_m: float) -> tuple[RowGates, Any]:
            line_F = word_m * lowest.F_per_m + at.columns * node.gate_F(gate_m)
            k = to.first
            gates = row_gates(process, given, at.rows[k], line_F[k], word_ohm[k], at.style[k])
            return gates.spread(to.of, at.rows), line_F

        read_gates, read_F = opens(cell.read_gate_m)
        write_gates, write_F = opens(cell.write_gate_m) if cell.separate else (read_gates, read_F)
        columns = SENSING.get(cell.kind, current_sensed)(node, cell, choices, at)
        muxes = at.muxes
        to = groups(at.columns, muxes, at.style)
        k = to.first
        select_F = np.broadcast_to(columns.select_F, muxes.shape)[k] + word_m[k] * lowest.F_per_m
        selects = row_gates(process, given, muxes[k], select_F, word_ohm[k], at.style[k])
        selects = selects.spread(to.of, muxes)

        beside_m = side_m(read_gates, bit_m) + (side_m(write_gates, bit_m) if cell.separate else 0.0)
        beside_m = self.ports * np.maximum(beside_m, np.where(muxes > 1, selects.width_m, 0.0))
        foot_m2 = self.ports * columns.area_m2 + node.row_area(0.0, 0.0, choices.control_gates)
        width_m, height_m = word_m + beside_m, bit_m + foot_m2 / word_m
        ramp = ramp_of(width_m, height_m)
        read_row, write_row = read_gates.cost(ramp), write_gates.cost(ramp)
        select, many = selects.cost(ramp), muxes > 1
        column_s = np.where(many, select.delay_s, 0.0)
        column_J = np.where(many, select.energy_J, 0.0)
        # a read of a separate port opens at Vdd; where reads and writes share the line, it is the line's own voltage
        read_V = process.vdd_V if cell.separate else cell.word_line_V
        read_J = read_row.energy_J + read_F * (read_V**2 - process.vdd_V**2)
        write_J = write_row.energy_J + write_F * (cell.word_line_V**2 - process.vdd_V**2)
        refresh_J = read_J + (write_J if cell.separate else 0.0) + columns.restore_J
        refresh_W = at.rows * (refresh_J / cell.refresh_s if cell.refresh_s else 0.0)
        around_W = columns.leakage_W + node.leak_W(choices.control_gates * node.unit_m)
        rows_W = read_row.leakage_W + (write_row.leakage_W if cell.separate else 0.0)
        rows_W = rows_W + np.where(many, select.leakage_W, 0.0)
        leak_W = at.rows * at.columns * cell.leakage_W + refresh_W
        leak_W = leak_W + self.ports * (given.logic_leak_share * around_W + rows_W)
        early_s = read_row.delay_s + columns.early_s
        drive_s = write_row.delay_s
        fits = (
            columns.fits
            & (at.rows <= self.most_rows(process))
            & read_gates.fits
            & write_gates.fits
            & (at.selected >= 1)
        )
        read_s = np.maximum(early_s, column_s) + columns.sense_s
        write_s = np.maximum(drive_s, column_s) + columns.write_s
        way_J = columns.way_J
        return Subarray(
            width_m=width_m, height_m=height_m, read_s=read_s, early_s=early_s, write_s=write_s, drive_s=drive_s,
            column_s=column_s, read_J=read_J + column_J + columns.read_J, write_J=write_J + column_J + columns.write_J,
            write_line_J=way_J, set_J=way_J, reset_J=way_J, leakage_W=leak_W, refresh_W=refresh_W,
            cells_m2=word_m * bit_m, fits=fits,
        )  # fmt: skip
