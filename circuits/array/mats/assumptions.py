"""What the equations assume, read from a named set: `older` (what the older array model assumes) or `mended`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuits.data import read_yaml
from circuits.errors import InputError

FOLDER = Path(__file__).with_name("assumptions")


@dataclass(frozen=True)
class Stage:
    """The current-to-voltage stage in front of a latch, for features of at least `feature_m`."""

    feature_m: float
    latency_s: float
    energy_J: float
    leakage_W: float


@dataclass(frozen=True)
class Assumptions:
    """See `assumptions/older.yaml` for the meaning of each. Shares run from 0 (left out) to 1 (counted in full)."""

    name: str
    minimum_width_features: float
    maximum_width_features: float
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
    sense_p_features: float
    sense_n_features: float
    sense_isolate_features: float
    sense_enable_features: float
    sense_select_features: float
    current_stage_area_features2: float
    current_stages: tuple[Stage, ...]
    pass_width_features: float
    pass_share: float
    precharge_features: float
    settle_factor: float
    wire_factor: float
    phase_change_efficiency: float
    highest_aspect: float
    precharge_share: float
    write_sensing_share: float
    amplifier_supply_power: float
    reset_carries_set_share: float
    first_predecoder_delay_share: float
    predecoder_copies_share: float
    way_decode_share: float
    swing_amplifier_share: float
    repeater_p_share: float
    repeater_far_drain_share: float

    def stage(self, feature_m: float) -> Stage:
        """Return the sensing stage of the largest feature size that is not above the one given."""
        for one in self.current_stages:
            if feature_m >= one.feature_m:
                return one
        return self.current_stages[-1]


def load_assumptions(name: str = "mended") -> Assumptions:
    """Return a named set of assumptions; `basis` names a set that it starts from.

    Raises:
        InputError: there is no such set, or it is not complete.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    if name not in known:
        raise InputError(f"assumptions {name!r}: unknown; known are {', '.join(known)}")
    content = dict(read_yaml(FOLDER / f"{name}.yaml"))
    basis = content.pop("basis", None)
    figures: dict[str, Any] = dict(read_yaml(FOLDER / f"{basis}.yaml")["figures"]) if basis else {}
    figures |= content["figures"]
    values = {key: entry["value"] for key, entry in figures.items()}
    values["current_stages"] = tuple(Stage(*map(float, row)) for row in values["current_stages"])
    return Assumptions(name=name, **values)
