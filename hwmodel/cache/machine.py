"""A machine as a user's YAML file describes it: caches by name, from the cores down, and the DRAM below them.

    levels:
      L2: {capacity: 3MiB, sector: 32, slices: 24}
      LLC: {capacity: 8MiB, sector: 32, holds: exclusive, policy: srrip}
    dram: {mapping: "column:8 channel:3 column:3 bank:4 row", hashed: true}

A level's keys are the arguments of CacheConfig and of Level, a DRAM's those of Dram; what is left out is as there.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from hwmodel.cache.config import CacheConfig
from hwmodel.cache.levels import Dram, Hierarchy, Level

_CACHE = tuple(field.name for field in fields(CacheConfig) if field.name not in ("hybrid", "retention", "byte_masks"))
_LEVEL = tuple(field.name for field in fields(Level) if field.name != "cache")
_DRAM = tuple(field.name for field in fields(Dram) if field.init)


class Machine(NamedTuple):
    """A hierarchy and the names of its levels."""

    names: tuple[str, ...]
    hierarchy: Hierarchy


def read_machine(path: Path) -> Machine:
    """Return the machine that a YAML file describes.

    Raises:
        InputError: naming the file, the level and the key that cannot be used.
    """
    found = read_yaml(path)
    _only(found, ("levels", "dram"), str(path))
    levels = found.get("levels")
    if not isinstance(levels, dict) or not levels:
        raise InputError(f"{path}: levels: give names with what each cache is, such as L2: {{capacity: 3MiB}}")
    names = tuple(map(str, levels))
    made = [_level(value, f"{path}: levels.{name}") for name, value in zip(names, levels.values(), strict=True)]
    dram = found.get("dram", {})
    where = f"{path}: dram"
    _only(dram, _DRAM, where)
    if not isinstance(dram.get("hashed", False), bool):
        raise InputError(f"{where}: hashed {dram['hashed']!r}: give true or false")
    try:
        memory = Dram(**dram)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    try:
        return Machine(names, Hierarchy(made, memory))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _level(values: Any, where: str) -> Level:
    _only(values, (*_CACHE, *_LEVEL), where)
    if "capacity" not in values:
        raise InputError(f"{where}: capacity missing; give a size such as 3MiB")
    cache = {name: value for name, value in values.items() if name in _CACHE}
    if isinstance(cache.get("sector"), str) and cache["sector"].strip().lower() == "none":
        cache["sector"] = None
    try:
        return Level(CacheConfig(**cache), **{name: value for name, value in values.items() if name in _LEVEL})
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _only(values: Any, known: tuple[str, ...], where: str) -> None:
    """Refuse what is no mapping of these names."""
    if not isinstance(values, dict):
        raise InputError(f"{where}: {values!r}: give names with values; known are {', '.join(known)}")
    if odd := [str(name) for name in values if name not in known]:
        raise InputError(f"{where}: unknown {', '.join(odd)}; known are {', '.join(known)}")
