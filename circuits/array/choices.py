"""The design choices of what stands under the columns of designed cells, read from their data file."""

from dataclasses import dataclass
from pathlib import Path

from circuits.data import DataFile


@dataclass(frozen=True)
class ColumnChoices:
    """See `columns.yaml` for the meaning and the reason of each."""

    sense_latch_units: float
    sense_latch_gates: float
    sense_clamp_gates: float
    precharge_units: float
    mux_units: float
    swing_factor: float
    write_driver_gates: float
    write_device_share: float
    control_gates: float
    activity: float


def load_choices() -> tuple[ColumnChoices, tuple[str, ...]]:
    """Return the choices and the assumptions that they are."""
    file = DataFile.open(Path(__file__).with_name("columns.yaml"))
    choices = file.record(ColumnChoices, "figures", file.section("figures"))
    return choices, tuple(file.assumptions)
