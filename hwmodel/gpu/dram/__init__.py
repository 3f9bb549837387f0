"""DRAM as data: one YAML file a technology, figures with their sources; here the equations over them."""

from dataclasses import dataclass, field, fields
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
    energy_J_per_bit: float  # device and interface, a bit moved
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
    if odd := sorted(set(values) - names):
        raise InputError(f"{path}: unknown {', '.join(odd)}; known are {', '.join(sorted(names))}")
    if missing := sorted((numbers | {"name"}) - set(values)):
        raise InputError(f"{path}: {', '.join(missing)} missing")
    for key in sorted(numbers):
        value = values[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            raise InputError(f"{path}: {key}: {value!r} is not a positive number")
    return Dram(**values)
