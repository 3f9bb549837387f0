"""DRAM as data: one YAML file a technology, figures with their sources; here the equations over them."""

from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

from circuits.errors import InputError
from circuits.yaml_file import read_yaml

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Dram:
    """A DRAM technology, as one access with its row closed sees it; cycles are of `clock_period_s`."""

    name: str
    clock_period_s: float
    activate_read_cycles: float  # row activation before a read
    activate_write_cycles: float  # row activation before a write
    read_cycles: float  # column access
    write_cycles: float
    burst_cycles: float  # data transfer
    energy_J_per_bit: float  # device and interface, a bit moved, activations shared in
    # Below: what a file may leave out. A device is what a GPU has several of: a chip, a stack, a channel of either.
    activation_energy_J: float | None = None  # opening and closing a row
    transfer_energy_J_per_bit: float | None = None  # without activations; None where they are not told apart
    row_bytes: float | None = None  # what an activation opens
    background_W: float | None = None  # of a device that is held and refreshed
    device_bytes_per_s: float | None = None
    device_bytes: float | None = None
    channels: float | None = None  # of a device, each with its own commands
    banks_per_channel: float | None = None
    row_cycles: float | None = None  # between two activations of a bank
    four_activates_cycles: float | None = None  # in which a channel may open four rows
    basis: str = "modelled"
    works: dict[str, str] = field(default_factory=dict)

    @property
    def read_latency_s(self) -> float:
        """Seconds from an activation to the last data of a read."""
        return (self.activate_read_cycles + self.read_cycles + self.burst_cycles) * self.clock_period_s

    @property
    def write_latency_s(self) -> float:
        """Seconds from an activation to the last data of a write."""
        return (self.activate_write_cycles + self.write_cycles + self.burst_cycles) * self.clock_period_s

    def energy_J(self, bytes_moved: float) -> float:
        """Energy in joules of moving so many bytes, either way."""
        return 8 * bytes_moved * self.energy_J_per_bit

    def devices(self, bytes_per_s: float) -> float:
        """Return how many devices make up a bandwidth; 1 where a device's own is not known."""
        return bytes_per_s / self.device_bytes_per_s if self.device_bytes_per_s else 1.0

    def activations_per_s(self, bytes_per_s: float) -> float:
        """Return how many rows a second may be opened in memory of this bandwidth; infinite where no figure limits it.

        A channel opens four in its window, and each of its banks one a row cycle.
        """
        limits = []
        if self.four_activates_cycles:
            limits.append(4 / self.four_activates_cycles)
        if self.row_cycles and self.banks_per_channel:
            limits.append(self.banks_per_channel / self.row_cycles)
        if not limits or not self.channels:
            return float("inf")
        return min(limits) / self.clock_period_s * self.channels * self.devices(bytes_per_s)


def known() -> list[str]:
    """Return the names of the technologies that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_dram(name: str) -> Dram:
    """Return a DRAM technology by name, or from a user's YAML file by its path.

    Raises:
        InputError: for an unknown name, and for a file with missing, unknown or unusable values.
    """
    path = _FOLDER / f"{name}.yaml" if name in known() else Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"dram {name!r}: unknown; known are {', '.join(known())}, or give a YAML file")
    values = read_yaml(path)
    names = {item.name for item in fields(Dram)}
    numbers = names - {"name", "basis", "works"}
    needed = {item.name for item in fields(Dram) if item.default is MISSING and item.default_factory is MISSING}
    if odd := sorted(set(values) - names):
        raise InputError(f"{path}: unknown {', '.join(odd)}; known are {', '.join(sorted(names))}")
    if missing := sorted(needed - set(values)):
        raise InputError(f"{path}: {', '.join(missing)} missing")
    for key in sorted(numbers & set(values)):
        value = values[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            raise InputError(f"{path}: {key}: {value!r} is not a positive number")
    return Dram(**values)
