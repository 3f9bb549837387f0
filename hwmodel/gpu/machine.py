"""What a GPU takes and draws, as data: latencies, rates and power, one YAML file a GPU, each figure with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

from circuits.errors import InputError
from circuits.yaml_file import read_yaml

_FOLDER = Path(__file__).parent / "machines"
UNITS = ("fp32", "tf32", "bf16", "fp16", "int8")
ByUnit = Mapping[str, float]  # unit -> figure; a unit that a GPU lacks is left out, and its products run as fp32


@dataclass(frozen=True)
class Machine:
    """A GPU's figures beside those of `traces.gpus.Gpu`, which says how many SMs, slices and bytes there are."""

    name: str
    l2_latency_s: float  # of a warp's load that hits in L2, from wherever in the chip
    dram_latency_s: float  # of one that misses
    l2_array_s: float  # the part of either that is the access of the L2's own arrays, which another cache replaces
    l2_read_bytes_per_slice_cycle: float
    l2_write_bytes_per_slice_cycle: float
    l2_banks_per_slice: float  # arrays that are busy one by one
    sm_bytes_per_cycle: float  # between an SM and the crossbar
    dram_read_share: float  # of the peak bandwidth that a stream of reads reaches
    dram_write_share: float
    schedulers_per_sm: float
    macs_per_sm_cycle: ByUnit
    product_share: ByUnit  # of that rate, which a large product reaches
    attention_share: ByUnit  # likewise, which fused attention reaches
    slabs_ahead: ByUnit  # slabs of a product that are under way while one is multiplied
    kernel_start_s: float  # of a kernel behind another in a graph, before its first access
    launch_s: float  # of a kernel's launch from the host
    static_W: float  # board power, clocks up, SMs idle
    mac_J: ByUnit
    l2_read_J_per_byte: float  # from L2 to registers, SRAM arrays included
    l2_write_J_per_byte: float
    dram_read_J_per_byte: float  # on the GPU's side: controller and interface
    dram_write_J_per_byte: float
    sources: Mapping[str, str]  # figure -> key of works
    works: Mapping[str, str]  # key -> citation

    def unit(self, name: str) -> str:
        """Return the unit that multiplies values of a type; fp32's cores where the GPU has none for it."""
        wanted = {"int4w": "bf16"}.get(name, name)
        return wanted if wanted in self.macs_per_sm_cycle else "fp32"


def known_machines() -> list[str]:
    """Return the names of the GPUs whose figures come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_machine(name: str | Path) -> Machine:
    """Return the figures of the GPU of that name, or those of a user's YAML file.

    Raises:
        InputError: for a name that is neither, and for a file with missing, unknown or impossible figures.
    """
    if str(name) in known_machines():
        return _shipped(str(name))
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        raise InputError(
            f"machine {str(name)!r}: unknown; known are {', '.join(known_machines())}, or give a YAML file"
        )
    return _read(path)


@lru_cache
def _shipped(name: str) -> Machine:
    return _read(_FOLDER / f"{name}.yaml")


def _read(path: Path) -> Machine:
    document = read_yaml(path)
    types = get_type_hints(Machine)
    figures = {field.name for field in fields(Machine)} - {"name", "sources", "works"}
    wanted = figures | {"name", "works"}
    for problem, keys in (("missing", wanted - set(document)), ("unknown", set(map(str, document)) - wanted)):
        if keys:
            raise InputError(f"{path}: {problem} {', '.join(sorted(keys))}; give the keys of machines/h200.yaml")
    works = document["works"]
    if not isinstance(works, dict) or not all(isinstance(text, str) for pair in works.items() for text in pair):
        raise InputError(f"{path}: works must map keys to citations")
    if not isinstance(document["name"], str):
        raise InputError(f"{path}: name must be text")
    values: dict[str, Any] = {"name": document["name"], "works": works, "sources": {}}
    for key in sorted(figures):
        entry = document[key]
        if not isinstance(entry, dict) or set(entry) != {"value", "source"} or entry["source"] not in works:
            raise InputError(f"{path}: {key} must be {{value: .., source: a key of works}}")
        values["sources"][key] = entry["source"]
        value = entry["value"]
        values[key] = _by_unit(value, key, path) if types[key] == ByUnit else _number(value, key, path)
    return Machine(**values)


def _number(value: object, key: str, path: Path, least: float = 0.0) -> float:
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")
    if not least <= number < float("inf"):
        raise InputError(f"{path}: {key}: {value!r} is no number from {least:g}")
    if key.endswith("_share") and number > 1:
        raise InputError(f"{path}: {key}: {value!r} is more than all")
    return float(number)


def _by_unit(value: object, key: str, path: Path) -> ByUnit:
    if not isinstance(value, dict) or "fp32" not in value or not set(value) <= set(UNITS):
        raise InputError(f"{path}: {key} must give figures of fp32 and of some of {', '.join(UNITS[1:])}")
    return {unit: _number(of, f"{key}: {unit}", path) for unit, of in value.items()}
