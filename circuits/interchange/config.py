"""NVSim's `.cfg` files, run as they are: a RAM or a cache of the cell file that they name, on the planar tables."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from circuits.array.assumptions import load_assumptions
from circuits.array.cache import Shape, data_content
from circuits.array.driver import STYLES
from circuits.array.element import Element
from circuits.array.organisation import Content
from circuits.array.process import Metal, Process
from circuits.array.search import TARGETS, design_front
from circuits.array.space import DATA, WHOLE_TAG, Found, Limits, explore
from circuits.errors import InputError
from circuits.interchange.cell_file import read_cell, read_lines
from circuits.interchange.tables import load_metal, load_process

_TARGETS = {"ReadLatency": "read-latency", "WriteLatency": "write-latency", "ReadDynamicEnergy": "read-energy",
            "WriteDynamicEnergy": "write-energy", "ReadEDP": "read-edp", "WriteEDP": "write-edp",
            "LeakagePower": "leakage", "Area": "area"}  # fmt: skip
_STYLES = {"latency": "Latency-Optimized", "balance": "Balanced", "area": "Area-Optimized"}
_LIMITS = {"ReadLatency": ("read_s",), "WriteLatency": ("write_s",), "ReadDynamicEnergy": ("read_J",),
           "WriteDynamicEnergy": ("write_J",), "Leakage": ("leakage_W",), "Area": ("area_m2",),
           "ReadEdp": ("read_s", "read_J"), "WriteEdp": ("write_s", "write_J")}  # fmt: skip
_FORCED = {"ForceBank": ("bank_rows", "bank_columns", "active_rows", "active_columns"),
           "ForceMat": ("mat_rows", "mat_columns", "sub_rows", "sub_columns"),
           "ForceMuxSenseAmp": ("mux",), "ForceMuxOutputLev1": ("mux_1",),
           "ForceMuxOutputLev2": ("mux_2",)}  # fmt: skip
_BYTES = {"B": 1, "KB": 1 << 10, "MB": 1 << 20}
_MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Config:
    """A configuration, checked. `forced` fixes parts of an organisation; a figure may exceed its best by `allowed`."""

    cache: bool
    mode: str
    targets: tuple[str, ...]
    node_nm: int
    roadmap: str
    temperature_K: float
    capacity_bytes: int
    word_bits: int
    ways: int
    local: str
    trunk: str
    full: bool
    style: int
    cell: Path
    forced: dict[str, int]
    allowed: dict[str, float]


class _Lines:
    """The lines of a configuration, by key."""

    def __init__(self, path: Path) -> None:
        self.path, self.found = path, read_lines(path)

    def one_of(self, key: str, choices: tuple[str, ...], default: str) -> str:
        text = self.found.get(key, (default, ""))[0]
        if text not in choices:
            raise InputError(f"{self.path}: {key} {text!r}: give {' or '.join(choices)}")
        return text

    def whole(self, key: str, default: int | None = None) -> int:
        text = self.found.get(key, ("" if default is None else str(default), ""))[0]
        if not text.isascii() or not text.isdigit() or not 0 < int(text[:12]) < 1 << 31:
            raise InputError(f"{self.path}: {key} {text!r}: give a whole, positive number")
        return int(text[:12])

    def power(self, key: str, default: int | None = None) -> int:
        number = self.whole(key, default)
        if number & (number - 1):
            raise InputError(f"{self.path}: {key} {number}: give a power of two")
        return number


def read_config(path: Path) -> Config:
    """Return the configuration in a `.cfg` file.

    Raises:
        InputError: the file cannot be read, lacks what is needed, or asks for what is not modelled.
    """
    lines = _Lines(path)
    found = lines.found
    cache = lines.one_of("DesignTarget", ("cache", "RAM"), "cache") == "cache"
    lines.one_of("Routing", ("H-tree",), "H-tree")
    lines.one_of("InternalSensing", ("true",), "true")
    for side in ("Local", "Global"):
        lines.one_of(side + "WireRepeaterType", ("RepeatedNone",), "RepeatedNone")
        lines.one_of(side + "WireUseLowSwing", ("No",), "No")
    kinds = tuple(f"{level}{care}" for level in ("Local", "Semi", "Global") for care in ("Aggressive", "Conservative"))
    local, trunk = (lines.one_of(f"{side}WireType", kinds, f"{side}Aggressive") for side in ("Local", "Global"))
    target = lines.one_of("OptimizationTarget", (*_TARGETS, "Exploration"), "Exploration")
    if "MemoryCellInputFile" not in found:
        raise InputError(f"{path}: MemoryCellInputFile: missing; name a .cell file beside this one")
    unit = found.get("Capacity", ("", ""))[1]
    if unit not in _BYTES:
        raise InputError(f"{path}: Capacity: missing; give Capacity (B), (KB) or (MB)")
    capacity, ways = lines.power("Capacity") * _BYTES[unit], lines.power("Associativity", 1) if cache else 1
    if capacity > _MOST_BYTES:
        raise InputError(f"{path}: Capacity: more than 1 GiB")
    word = lines.power("WordWidth", 512)
    if capacity * 8 < 2 * word * ways:
        raise InputError(f"{path}: Capacity: holds fewer than two sets of {ways} words of {word} bits")
    return Config(
        cache, lines.one_of("CacheAccessMode", ("Normal", "Fast", "Sequential"), "Normal").lower(),
        tuple(_TARGETS.values()) if target == "Exploration" else (_TARGETS[target],), lines.whole("ProcessNode"),
        lines.one_of("DeviceRoadmap", ("HP", "LSTP", "LOP"), "HP"), float(lines.whole("Temperature", 300)), capacity,
        word, ways, _metal(local), _metal(trunk),
        lines.one_of("UseCactiAssumption", ("Yes", "No"), "No") == "Yes",
        STYLES[_STYLES[lines.one_of("BufferDesignOptimization", tuple(_STYLES), "latency")]],
        path.parent / found["MemoryCellInputFile"][0], _forced(path), _allowed(lines),
    )  # fmt: skip


def _metal(kind: str) -> str:
    return kind.replace("Aggressive", "_aggressive").replace("Conservative", "_conservative").lower()


def _forced(path: Path) -> dict[str, int]:
    """Return what `Force...` lines fix; those of banks and mats hold four numbers, which no other line does."""
    fixed: dict[str, int] = {}
    for text in path.read_text(encoding="utf-8").splitlines():
        key, _, values = text.partition(":")
        name = key.lstrip("-").split(" ")[0].strip()
        if key.startswith("-") and name in _FORCED:
            numbers = [n for part in values.split("//")[0].split(",") for n in part.strip().split("x")]
            names = _FORCED[name]
            if len(numbers) != len(names) or not all(n.strip().isdigit() and int(n) > 0 for n in numbers):
                raise InputError(f"{path}: {name}: give {'AxB, CxD' if len(names) > 1 else 'a whole number'}")
            fixed |= dict(zip(names, map(int, numbers), strict=True))
    return fixed


def _allowed(lines: _Lines) -> dict[str, float]:
    found = {}
    for name in _LIMITS:
        key = f"Apply{name}Constraint"
        if key in lines.found:
            try:
                found[name] = float(lines.found[key][0])
            except ValueError:
                raise InputError(f"{lines.path}: {key}: give a number, the part above the best") from None
    return found


def _limits(config: Config) -> Limits:
    if config.full:
        return replace(DATA, styles=(config.style,))
    return replace(WHOLE_TAG, styles=(config.style,))


def _kept(config: Config, path: Path, banks: Found) -> Found:
    """Return the data banks that a configuration's forced organisation and constraints leave."""
    at = banks.at(np.arange(len(banks)))
    keep = np.ones(len(banks), dtype=bool)
    for name, value in config.forced.items():
        keep &= getattr(at, name) == value
    left = banks.take(keep)
    if len(left):
        keep = np.ones(len(left), dtype=bool)
        for name, part in config.allowed.items():
            figure = np.prod([getattr(left, f) for f in _LIMITS[name]], axis=0)
            keep &= figure <= figure.min() * (1 + part)
        left = left.take(keep)
    if not len(left):
        raise InputError(f"{path}: no organisation of {config.capacity_bytes} B fits what it forces and constrains")
    return left


def _organisation(banks: Found, index: int) -> dict[str, Any]:
    names = {value: name for name, value in STYLES.items()}
    found = {name: int(values[0]) for name, values in vars(banks.at(index)).items()}
    mat = int(banks.mat[index])
    shape = {"rows": int(banks.kinds.rows[mat]), "columns": int(banks.kinds.columns[mat])}
    return shape | found | {"style": names[found["style"]]}


def _ram(parts: tuple[Process, Any, Element, Metal, Metal], config: Config, path: Path) -> list[dict[str, Any]]:
    content = Content(config.capacity_bytes * 8 // config.word_bits, config.word_bits)
    banks = _kept(config, path, explore(*parts, _limits(config), lambda _: content))
    rows = []
    for target in config.targets:
        best = int(np.nanargmin(np.prod([getattr(banks, f) for f in TARGETS[target].figures], axis=0)))
        names = ("read_s", "write_s", "read_J", "write_J", "leakage_W", "area_m2")
        rows.append(_row(target, {n: float(getattr(banks, n)[best]) for n in names}, _organisation(banks, best)))
    return rows


def _row(target: str, totals: dict[str, float], organization: dict[str, Any]) -> dict[str, Any]:
    keys = {"read_s": "read_latency_s", "write_s": "write_latency_s", "miss_s": "miss_latency_s",
            "read_J": "read_energy_J", "write_J": "write_energy_J", "miss_J": "miss_energy_J"}  # fmt: skip
    return {"target": target} | {keys.get(k, k): v for k, v in totals.items()} | {"organization": organization}


def _said(config: Config, assumptions: str) -> list[str]:
    """Return what a design of a configuration rests on, as sentences."""
    found = [f"the {assumptions} set of assumptions", "the planar device and wire tables of ITRS 2007/2009",
             f"bare wires: {config.local}, {config.trunk}"]  # fmt: skip
    if config.cache:
        found.append("tags of the data's cell; organisations of at most 64 x 64 mats")
    if not config.full:
        found.append("data organisations of at most 64 x 64 mats, multiplexers of at most 64 inputs")
    return found


def run_config(path: str | Path, assumptions: str = "mended") -> dict[str, Any] | list[dict[str, Any]]:
    """Return the best design of a `.cfg` file's target; for `Exploration`, or where it names none, one for each target.

    Args:
        path: the file; the `.cell` file that it names is looked for beside it.
        assumptions: `mended`, or `older` for what the older tool assumes.

    Raises:
        InputError: a file that cannot be read or used.
    """
    path = Path(path)
    config, given = read_config(path), load_assumptions(assumptions)
    process = load_process(config.node_nm, config.roadmap, config.temperature_K)
    metals = [load_metal(config.node_nm, name, config.temperature_K) for name in (config.local, config.trunk)]
    parts = (process, given, read_cell(config.cell), metals[0], metals[1])
    cache = Shape.of(config.capacity_bytes * 8, config.word_bits, config.ways)
    with np.errstate(all="ignore"):
        if config.cache:
            banks = explore(*parts, _limits(config), lambda _: data_content(given, config.mode, cache))
            found = design_front(*parts, config.mode, cache, datas=_kept(config, path, banks))
            rows = []
            for target in config.targets:
                choice = found.best[target]
                sides = {"data": _organisation(found.datas, choice.data), "tag": _organisation(found.tags, choice.tag)}
                rows.append(_row(target, choice.totals, {"mode": config.mode} | sides))
        else:
            rows = _ram(parts, config, path)
    head = {"config": path.name, "cell": config.cell.name, "node": f"{config.node_nm}nm", "roadmap": config.roadmap,
            "temperature_K": config.temperature_K, "capacity_bytes": config.capacity_bytes, "ways": config.ways,
            "word_bits": config.word_bits}  # fmt: skip
    tail = {"assumptions": _said(config, assumptions)}
    documents = [head | row | tail for row in rows]
    return documents[0] if len(documents) == 1 else documents
