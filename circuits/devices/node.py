"""A technology node: transistors, layout pitches, wires and leakage schools, read from a data file."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from circuits.data import DataFile, find, physical, short, unknown_keys
from circuits.devices.leakage import BOLTZMANN_V_PER_K, School, ThermalLaw, at_supply, off_current
from circuits.devices.wire import Scattering, Wire, WireFigures
from circuits.errors import InputError

FOLDER = Path(__file__).parent / "nodes"
MIN_K, MAX_K = 300.0, 400.0
LEAST_SUPPLY, MOST_SUPPLY = 0.6, 1.25  # of the nominal one: below, near threshold, the linear current law fails
WIRES = ("local", "intermediate", "global")


@dataclass(frozen=True)
class Transistors:
    """Figures per metre of gated width at 300 K; for a FinFET the width is that of the fin's surface, 2 H + T."""

    vdd_V: float
    threshold_V: float
    on_current_n_A_per_m: float
    on_current_p_A_per_m: float
    on_current_loss_per_K: float
    effective_resistance_factor: float
    gate_capacitance_F_per_m: float
    drain_capacitance_F_per_m: float


@dataclass(frozen=True)
class FinLayout:
    """Pitches of a FinFET node."""

    gate_pitch_m: float
    fin_pitch_m: float
    fin_height_m: float
    fin_width_m: float
    row_height_m: float
    row_fins: float


@dataclass(frozen=True)
class PlanarLayout:
    """Layout rules of a planar node, in feature sizes; and what both ends of a drain's sidewall add, however wide."""

    feature_m: float
    gate_pitch_features: float
    row_height_features: float
    row_width_features: float
    drain_end_F: float = 0.0


@dataclass(frozen=True)
class Node:
    """A node at one temperature, at one supply and under one leakage school. All quantities in SI units.

    `unit_m` is the gated width of the smallest device: one fin, or one feature size. `row_width_m` is the width of the
    N device (and of the P device) that one gate finger of a standard row holds. Below the threshold a device's current
    falls by a factor e every `subthreshold_V`.
    """

    name: str
    kind: str
    temperature_K: float
    leakage: str
    transistors: Transistors
    gate_pitch_m: float
    track_m: float
    unit_m: float
    row_height_m: float
    row_width_m: float
    drain_end_F: float
    off_current_A_per_m: float
    subthreshold_V: float
    wires: dict[str, Wire]
    works: dict[str, str]
    assumptions: tuple[str, ...]

    @property
    def vdd_V(self) -> float:
        return self.transistors.vdd_V

    @property
    def on_n_A_per_m(self) -> float:
        return self.transistors.on_current_n_A_per_m * self._hot

    @property
    def on_p_A_per_m(self) -> float:
        return self.transistors.on_current_p_A_per_m * self._hot

    @property
    def _hot(self) -> float:
        return 1 - self.transistors.on_current_loss_per_K * (self.temperature_K - 300)

    @property
    def p_to_n(self) -> float:
        """Width of a P device that drives like an N device, over the N device's width."""
        return self.transistors.on_current_n_A_per_m / self.transistors.on_current_p_A_per_m

    def resistance(self, width_m: Any) -> Any:
        """Return the effective switching resistance [ohm] of an N device: k Vdd / Ion."""
        return self.transistors.effective_resistance_factor * self.vdd_V / (self.on_n_A_per_m * width_m)

    def gate_F(self, width_m: Any) -> Any:
        return self.transistors.gate_capacitance_F_per_m * width_m

    def drain_F(self, width_m: Any) -> Any:
        return self.transistors.drain_capacitance_F_per_m * width_m

    def transconductance(self, width_m: Any) -> Any:
        """Return dI/dVgs [S] of a velocity-saturated N device, whose current rises linearly above the threshold."""
        return self.on_n_A_per_m * width_m / (self.vdd_V - self.transistors.threshold_V)

    def current(self, width_m: float, gate_V: float, drain_V: float) -> float:
        """Return the drain current [A] of an N device; gate and drain voltages are taken against the source.

        Linear in the overdrive where saturated (full velocity saturation), parabolic below Vdsat = half the overdrive.
        """
        overdrive = gate_V - self.transistors.threshold_V
        if overdrive <= 0 or drain_V <= 0:
            return 0.0
        part = min(1.0, drain_V / (overdrive / 2))
        return self.transconductance(width_m) * overdrive * part * (2 - part)

    def leak_W(self, width_m: Any) -> Any:
        """Return the power [W] that leaks through off devices of the given total width."""
        return self.off_current_A_per_m * width_m * self.vdd_V

    def row_area(self, width_n_m: Any, width_p_m: Any, gates: Any) -> Any:
        """Return the area [m2] of `gates` gates in standard rows: their fingers, and a pitch between neighbours."""
        fingers = np.maximum(np.maximum(width_n_m, width_p_m) / self.row_width_m, gates)
        return (fingers + gates) * self.gate_pitch_m * self.row_height_m


def _layout(file: DataFile, kind: str) -> tuple[float, float, float, float, float, float]:
    section = file.section("layout")
    if kind == "finfet":
        fin = file.record(FinLayout, "layout", section)
        unit = 2 * fin.fin_height_m + fin.fin_width_m
        return fin.gate_pitch_m, fin.fin_pitch_m, unit, fin.row_height_m, fin.row_fins * unit, 0.0
    flat = file.record(PlanarLayout, "layout", section)
    f = flat.feature_m
    row = (flat.row_height_features * f, flat.row_width_features * f)
    return flat.gate_pitch_features * f, f, f, *row, flat.drain_end_F


def _school(file: DataFile, name: str | None) -> tuple[str, School, ThermalLaw]:
    section = dict(file.section("leakage"))
    default, schools = section.pop("default", None), section.pop("schools", None)
    law = file.record(ThermalLaw, "leakage", section)
    if not isinstance(schools, dict) or not isinstance(default, str) or default not in schools:
        raise InputError(f"{file.path}: leakage: give schools, and the default one among them")
    chosen = default if name is None else name
    if chosen not in schools:
        raise InputError(f"leakage {chosen!r}: unknown at {file.path.stem}; known are {', '.join(schools)}")
    school = file.record(School, f"leakage.schools.{chosen}", schools[chosen])
    if not school.points():
        raise InputError(f"{file.path}: leakage.schools.{chosen}: gives no off-current")
    file.assumptions.append(
        f"leakage school {chosen} of {', '.join(schools)}" + (", the default" if chosen == default else "")
    )
    return chosen, school, law


def _within(what: str, value: object, low: float, high: float, unit: str) -> float:
    """Return a number the user gave, within its range."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{what} {short(value)}: not a number; give {low:.3g} to {high:.3g} {unit}") from None
    if not low <= number <= high:
        raise InputError(f"{what} {number:g} {unit}: out of range; give {low:.3g} to {high:.3g} {unit}")
    return number


def _wires(file: DataFile, temperature_K: float) -> dict[str, Wire]:
    """Return the metal levels; one that gives no resistivity takes the copper of the `scattering` section."""
    section, scattering, found = file.section("wires"), None, {}
    unknown_keys(file.path, "wires", section, (*WIRES, "scattering"))
    if "scattering" in section:
        scattering = file.record(Scattering, "wires.scattering", section["scattering"])
        if max(scattering.specularity, scattering.grain_reflection) >= 1:
            raise InputError(f"{file.path}: wires.scattering: specularity and grain_reflection are below 1")
    for level in WIRES:
        if not isinstance(section.get(level), dict):
            raise InputError(f"{file.path}: wires.{level}: missing; give {', '.join(WIRES)}")
        figures = file.record(WireFigures, f"wires.{level}", section[level])
        if not 4 * figures.barrier_m < figures.pitch_m * min(1, 2 * figures.aspect_ratio):
            raise InputError(f"{file.path}: wires.{level}.barrier_m: leaves no copper in the wire")
        if not (figures.resistivity_ohm_m or scattering):
            raise InputError(f"{file.path}: wires.{level}: give resistivity_ohm_m, or the wires' scattering")
        with physical(file.path):
            found[level] = Wire.of(figures, temperature_K, scattering)
    return found


def _lag(vdd_V: float, threshold_V: float) -> float:
    """Return the on-current over the mean current while an inverter switches.

    The mean is of the currents at (Vgs, Vds) = (Vdd, Vdd/2) and (Vdd/2, Vdd), M. H. Na et al., "The effective drive
    current in CMOS inverters", IEDM 2002. Under the linear law the first is saturated; the second has half the gate's
    swing. Near the threshold a real device slows down by more.
    """
    full = vdd_V - threshold_V
    return 2 * full / (full + max(vdd_V / 2 - threshold_V, 0.0))


def _supplied(transistors: Transistors, vdd_V: float) -> Transistors:
    """Return the transistors at another supply: the on-current falls linearly to nothing at the threshold."""
    nominal, threshold = transistors.vdd_V, transistors.threshold_V
    part = (vdd_V - threshold) / (nominal - threshold)
    return replace(
        transistors, vdd_V=vdd_V,
        on_current_n_A_per_m=part * transistors.on_current_n_A_per_m,
        on_current_p_A_per_m=part * transistors.on_current_p_A_per_m,
        effective_resistance_factor=transistors.effective_resistance_factor
        * (_lag(vdd_V, threshold) / _lag(nominal, threshold)),
    )  # fmt: skip


def load_node(name: str, temperature_K: float = 350.0, leakage: str | None = None,
              vdd_V: float | None = None) -> Node:  # fmt: skip
    """Return a technology node at a temperature and a supply.

    Args:
        name: 45nm, 32nm, 22nm, 16nm, 14nm, 10nm, 7nm, 5nm, 3nm, a name that a package registers under
            `hwmodel.nodes`, or a .yaml file's path.
        temperature_K: 300 to 400 K.
        leakage: the leakage school; None takes the node's default.
        vdd_V: the supply, 0.6 to 1.25 of the node's own, which None takes; a lower one is slower and leaks less.

    Raises:
        InputError: unknown node or school, a temperature or supply out of range, or a faulty data file.
    """
    temperature = _within("temperature", temperature_K, MIN_K, MAX_K, "K")
    file = DataFile.open(find(name, "node", FOLDER, "hwmodel.nodes"))
    file.only(("name", "kind", "transistors", "layout", "wires", "leakage"))
    kind = file.text("kind", ("planar", "finfet"))
    transistors = file.record(Transistors, "transistors", file.section("transistors"))
    layout = _layout(file, kind)
    chosen, school, law = _school(file, leakage)
    with physical(file.path):
        off = off_current(school, law, temperature)
    nominal = transistors.vdd_V
    if not math.isfinite(off) or transistors.threshold_V >= nominal:
        raise InputError(f"{file.path}: transistors.threshold_V: not below vdd_V")
    if vdd_V is not None:
        low = max(LEAST_SUPPLY * nominal, 1.1 * transistors.threshold_V)
        supply = _within("vdd", vdd_V, low, max(MOST_SUPPLY * nominal, low), "V")
        transistors = _supplied(transistors, supply)
        with physical(file.path):
            off *= at_supply(law, temperature, supply - nominal)
        file.assumptions.append(f"supply of {supply:g} V in place of the node's {nominal:g} V")
    wires, slope = _wires(file, temperature), law.subthreshold_ideality * BOLTZMANN_V_PER_K * temperature
    return Node(file.text("name"), kind, temperature, chosen, transistors, *layout, off, slope, wires, file.works,
                tuple(file.assumptions))  # fmt: skip


def leakage_schools(node: str) -> list[str]:
    """Return the names of a node's leakage schools."""
    return list(DataFile.open(find(node, "node", FOLDER, "hwmodel.nodes")).section("leakage")["schools"])


def with_threshold_for(node: Node, other: Node) -> Node:
    """Return a node whose devices leak as those of `other`, the same node under another school, by another threshold.

    It moves by the subthreshold slope times ln of the ratio of the off-currents; the on-current follows, linear in the
    overdrive. So are a memory cell's devices of low leakage made beside fast logic.

    Raises:
        InputError: a threshold that leaves no drive, or none at all.
    """
    shift = node.subthreshold_V * math.log(node.off_current_A_per_m / other.off_current_A_per_m)
    figures, supply = node.transistors, node.vdd_V
    threshold = figures.threshold_V + shift
    if not 0 < threshold < 0.8 * supply:
        raise InputError(f"cell leakage {other.leakage}: asks at {node.name} for a threshold of {threshold:.2f} V;"
                         f" give a school nearer to {node.leakage}, or a supply above {supply:g} V")  # fmt: skip
    part = (supply - threshold) / (supply - figures.threshold_V)
    moved = replace(figures, threshold_V=threshold, on_current_n_A_per_m=part * figures.on_current_n_A_per_m,
                    on_current_p_A_per_m=part * figures.on_current_p_A_per_m)  # fmt: skip
    return replace(node, transistors=moved, leakage=other.leakage, off_current_A_per_m=other.off_current_A_per_m)


def node_names() -> list[str]:
    """Return the names of the nodes that come with this package, the largest first."""
    return sorted((path.stem for path in FOLDER.glob("*.yaml")), key=lambda name: -float(name.removesuffix("nm")))
