"""What the equations assume, read from a named set of figures; a study may replace any of them.

`older` is what the older array model assumes, `mended` the same without its faults, `default` what our caches rest on.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from circuits.array.process import Layout, Process
from circuits.data import DataFile
from circuits.errors import InputError

FOLDER = Path(__file__).with_name("assumptions")
SETS = tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
NONE = ("_share", "_fan_outs", "latch_gates")  # figures that may be none


@dataclass(frozen=True)
class Stage:
    """The current-to-voltage stage in front of a latch, for features of at least `feature_m`."""

    feature_m: float
    latency_s: float
    energy_J: float
    leakage_W: float


@dataclass(frozen=True)
class Choices:
    """See `assumptions/older.yaml` for the meaning of each. Shares run from 0 (left out) to 1 (counted in full)."""

    minimum_width_units: float
    maximum_width_units: float
    stage_effort: float
    gate_region_features: float
    drain_region_features: float
    contact_features: float
    contact_gap_features: float
    gate_gap_features: float
    well_gap_features: float
    diffusion_gap_features: float
    rail_features: float
    fold_loss_features: float
    leak_nand2: float
    leak_nand3: float
    leaky_state_share: float
    logic_leak_share: float
    strap_share: float
    sense_p_units: float
    sense_n_units: float
    sense_isolate_units: float
    sense_enable_units: float
    sense_select_units: float
    current_stage_area_features2: float
    pass_width_units: float
    pass_share: float
    precharge_units: float
    settle_factor: float
    wire_factor: float
    phase_change_efficiency: float
    highest_aspect: float
    comparator_units: float
    precharge_share: float
    write_sensing_share: float
    amplifier_supply_power: float
    reset_carries_set_share: float
    first_predecoder_delay_share: float
    predecoder_copies_share: float
    way_decode_share: float
    way_levels: float
    way_write_share: float
    late_select_share: float
    known_way_share: float
    swing_amplifier_share: float
    repeater_p_share: float
    repeater_far_drain_share: float
    repeater_slack: float
    bundle_share: float
    mat_wire_share: float
    wire_pitch_share: float
    buses: float
    activity: float
    latched_fan_outs: float
    latch_gates: float
    address_bits: float
    state_bits: float


@dataclass(frozen=True)
class Assumptions(Choices):
    """A set of assumptions: its figures, its current stages, and what it rests on."""

    name: str
    current_stages: tuple[Stage, ...]
    works: dict[str, str]
    notes: tuple[str, ...]

    def stage(self, feature_m: float) -> Stage:
        """Return the sensing stage of the largest feature size that is not above the one given."""
        for one in self.current_stages:
            if feature_m >= one.feature_m:
                return one
        return self.current_stages[-1]

    def layout(self, process: Process) -> Layout:
        """Return how gates are drawn: a FinFET process says it itself, a planar one goes by its feature size."""
        if process.drawn:
            return process.drawn
        f = process.feature_m
        contact = self.contact_features + 2 * self.contact_gap_features
        return Layout(1.0, f, self.gate_gap_features * f, contact * f, self.well_gap_features * f,
                      self.diffusion_gap_features * f, self.rail_features * f, self.fold_loss_features * f,
                      self.gate_region_features * f, self.drain_region_features * f)  # fmt: skip


def load_assumptions(name: str = "default") -> Assumptions:
    """Return a named set of assumptions; `basis` names a set that it starts from.

    Raises:
        InputError: there is no such set, or it is not complete.
    """
    if name not in SETS:
        raise InputError(f"assumptions {name!r}: unknown; known are {', '.join(SETS)}")
    files = [DataFile.open(FOLDER / f"{name}.yaml")]
    while "basis" in files[-1].content:
        files.append(DataFile.open(FOLDER / f"{files[-1].text('basis', SETS)}.yaml"))
    names = [field.name for field in fields(Choices)]
    values: dict[str, float] = {}
    for file in files:  # what stands in a set hides what stands in its basis
        file.only(("basis", "figures", "current_stages"))
        section = file.section("figures")
        if set(section) - set(names):
            raise InputError(f"{file.path}: figures.{min(set(section) - set(names))}: unknown key")
        for key in section:
            if key not in values:
                values[key] = file.figure(f"figures.{key}", section[key], zero=key.endswith(NONE))
    missing = [key for key in names if key not in values]
    if missing:
        raise InputError(f"assumptions {name!r}: lacks {', '.join(missing)}")
    rows = next(file.content["current_stages"]["value"] for file in files if "current_stages" in file.content)
    stages = tuple(Stage(*(float(number) for number in row)) for row in rows)
    works = {key: work for file in files for key, work in file.works.items()}
    notes = tuple(line for file in files for line in file.assumptions)
    return Assumptions(**values, name=name, current_stages=stages, works=works, notes=notes)
