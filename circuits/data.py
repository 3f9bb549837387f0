"""Read a data file whose every figure carries its unit in its key and its source beside it.

A figure is written `vdd_V: {value: 0.8, source: wu2013}` where `source` names one of the file's `works`; a figure
without a publication says `assumed:` and why, a fitted one `calibrated:` and to what. Reading a file collects the works
and the assumptions, so that a result can list all it rests on.
"""

import contextlib
import difflib
import math
import os
import reprlib
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from circuits.errors import InputError
from circuits.overrides import current
from circuits.yaml_file import read_yaml

MOST = 1e40  # of a figure, in SI units

Record = TypeVar("Record")


@dataclass
class DataFile:
    """One data file being read: its content, and the works and assumptions met on the way."""

    path: Path
    content: dict[str, Any]
    works: dict[str, str] = field(default_factory=dict)
    assumptions: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> "DataFile":
        content = read_yaml(path)
        cited = content.get("works", {})
        if not isinstance(cited, dict) or not all(isinstance(v, str) for v in cited.values()):
            raise InputError(f"{path}: works: give a mapping from a key to a citation")
        return cls(path, content)

    def text(self, key: str, allowed: Iterable[str] = ()) -> str:
        """Return the text under `key`, one of `allowed` where that is given."""
        value, choices = self.content.get(key), list(allowed)
        if not isinstance(value, str) or (choices and value not in choices):
            raise InputError(f"{self.path}: {key} {short(value)}: give {' or '.join(choices) or 'text'}")
        return value

    def section(self, key: str) -> dict[str, Any]:
        """Return the mapping under `key`.

        Raises:
            InputError: there is none.
        """
        value = self.content.get(key)
        if not isinstance(value, dict):
            raise InputError(f"{self.path}: {key}: missing; give a mapping of figures")
        return value

    def only(self, keys: Iterable[str]) -> None:
        """Refuse any top-level key that is not one of `keys`."""
        unknown_keys(self.path, "", self.content, [*keys, "works"])

    def figure(self, where: str, entry: object, *, zero: bool = False) -> float:
        """Return the number of one figure, and note its source; `zero` allows it to be none.

        Raises:
            InputError: the entry is no figure, its number is not finite and positive, or its source is not listed.
        """
        entry = current(f"{self.path.stem}.{where}", entry)
        if not isinstance(entry, dict) or set(entry) - {"value", "source", "assumed", "calibrated"}:
            raise InputError(f"{self.path}: {where}: give {{value: ..., source: ...}} or {{value: ..., assumed: ...}}")
        value = entry.get("value")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InputError(f"{self.path}: {where} {short(value)}: not a positive, finite number")
        if value < 0 or (value == 0 and not zero):
            raise InputError(f"{self.path}: {where} {short(value)}: not a positive, finite number")
        if value > MOST:
            raise InputError(f"{self.path}: {where} {short(value)}: out of any physical range")
        for basis in ("assumed", "calibrated"):
            if basis in entry:
                self.assumptions.append(f"{self.path.stem}: {where} = {value:g} ({basis}: {entry[basis]})")
        if "source" in entry:
            key = entry["source"]
            cited = self.content.get("works", {})
            if not isinstance(key, str) or key not in cited:
                raise InputError(f"{self.path}: {where}: source {short(key)} is not under works")
            self.works[key] = cited[key]
        elif not {"assumed", "calibrated"} & set(entry):
            raise InputError(f"{self.path}: {where}: says neither source, assumed nor calibrated")
        return float(value)

    def record(self, kind: type[Record], where: str, section: object) -> Record:
        """Return a dataclass of figures filled from a section; an unknown key is an error, and so is a missing one."""
        if not isinstance(section, dict):
            raise InputError(f"{self.path}: {where}: missing; give a mapping of figures")
        names = {f.name: f.default is MISSING for f in fields(kind)}  # type: ignore[arg-type]
        unknown_keys(self.path, where, section, names)
        missing = [name for name, needed in names.items() if needed and name not in section]
        if missing:
            raise InputError(f"{self.path}: {where}: lacks {', '.join(missing)}")
        return kind(**{name: self.figure(f"{where}.{name}", section[name]) for name in section})


@contextlib.contextmanager
def physical(what: object) -> Iterator[None]:
    """Turn what arithmetic raises on absurd figures, such as an overflow, into one line that names their file."""
    try:
        yield
    except InputError:
        raise
    except (ArithmeticError, ValueError) as error:
        raise InputError(f"{what}: figures out of any physical range ({error})") from None


def short(value: object) -> str:
    """Return a value as an error message shows it: in a few words, whatever a file held."""
    return " ".join(reprlib.repr(value).split())


def unknown_keys(path: Path, where: str, section: dict[str, Any], known: Iterable[str]) -> None:
    """Refuse a key that nobody would read, and name the nearest one that would be."""
    names = list(known)
    for key in section:
        if key not in names:
            near = difflib.get_close_matches(str(key), names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
            raise InputError(f"{path}: {where + '.' if where else ''}{key}: unknown key; {hint}")


def find(name: str | os.PathLike[str], what: str, folder: Path, group: str) -> Path:
    """Return the data file behind a name: one of ours, one that a package registers, or a path ending in .yaml.

    Args:
        name: `stt`, `16nm`, or the path of a file.
        what: what the name means, for the error message: `cell` or `node`.
        folder: where ours stand.
        group: the entry-point group; an entry gives a path, or a function without arguments that returns one.

    Raises:
        InputError: there is no such name.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise InputError(f"{what} {name!r}: not a name")
    name = os.fspath(name)
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    ours = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if name in ours:
        return ours[name]
    from importlib.metadata import entry_points

    others = {entry.name: entry for entry in entry_points(group=group)}
    if name in others:
        loaded: Any = others[name].load()
        given: Any = loaded() if callable(loaded) else loaded
        return Path(given)
    names = ", ".join([*ours, *sorted(others)])
    raise InputError(f"{what} {name!r}: unknown; known are {names}, or give the path of a .yaml file")
