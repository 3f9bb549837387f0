"""The design choices of the circuits around the cells, read from their data file."""

from dataclasses import dataclass
from pathlib import Path

from circuits.data import DataFile


@dataclass(frozen=True)
class Figures:
    """See `figures.yaml` for the meaning and the reason of each."""

    sense_latch_units: float
    sense_latch_gates: float
    sense_clamp_gates: float
    precharge_units: float
    mux_units: float
    swing_factor: float
    write_driver_gates: float
    write_device_share: float
    decode_bits: float
    control_gates: float
    repeater_slack: float
    activity: float
    data_bus_ways: float
    address_bits: float
    state_bits: float
    comparator_gates: float


def load_figures() -> tuple[Figures, tuple[str, ...]]:
    """Return the figures and the assumptions that they are."""
    file = DataFile.open(Path(__file__).with_name("figures.yaml"))
    figures = file.record(Figures, "figures", file.section("figures"))
    return figures, tuple(file.assumptions)
