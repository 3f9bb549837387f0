"""Spaces from YAML: those that come with the package by their name, others by their path."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from circuits.yaml_file import read_yaml
from hwmodel.latency.spaces.space import Space

_FOLDER = Path(__file__).parent


def known_spaces() -> list[str]:
    """Return the names of the spaces that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_space(name: str | Path) -> Space:
    """Return the space of that name, or the one that a user's YAML file declares.

    Raises:
        InputError: for a name that is neither, and for a file that declares none.
    """
    if str(name) in known_spaces():
        return _shipped(str(name))
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        raise InputError(f"space {str(name)!r}: unknown; known are {', '.join(known_spaces())}, or give a YAML file")
    return make_space(read_yaml(path), str(path))


@lru_cache
def _shipped(name: str) -> Space:
    path = _FOLDER / f"{name}.yaml"
    return make_space(read_yaml(path), str(path))


def make_space(declared: dict[str, Any], where: str = "space") -> Space:
    """Return the space that a mapping declares, checked.

    Raises:
        InputError: naming `where`, the first value that cannot be used, and why.
    """
    from pydantic import ValidationError

    try:
        return Space.model_validate(declared)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "space"
        known = f"; known are {', '.join(Space.model_fields)}" if first["type"] == "extra_forbidden" else ""
        reason = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{where}: {place}: {' '.join(reason.split())[:300]}{known}") from None
