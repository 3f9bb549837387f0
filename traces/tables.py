"""A trace's header, tensors and kernels as one JSON document, and back, checked value by value."""

import json
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from traces.errors import InputError
from traces.trace import SCHEMA_VERSION, Header, Kernel, Tensor, Totals

MAX_NUMBER = 1 << 64
# Fields that came after the first files of this version.
LATER: dict[type, set[str]] = {
    Header: {"dtype", "steps"},
    Kernel: {"operation", "threads", "registers", "rounds", "issued_macs"},
}
KINDS = ("parameter", "gradient", "activation", "input", "optimizer", "buffer", "workspace")
LAUNCH_PHASES = ("forward", "backward", "optimizer")
RUN_PHASES = ("inference", "training")

Row = TypeVar("Row", Header, Kernel, Tensor, Totals)


def dump(header: Header, tensors: list[Tensor], kernels: list[Kernel], more: dict[str, Any]) -> str:
    """Return the document as text; tables go column by column, `more` is added beside them."""
    document = {
        "version": header.version,
        "header": header.as_dict(),
        "tensors": _columns(Tensor, tensors),
        "kernels": _columns(Kernel, kernels),
    }
    return json.dumps(document | more, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _columns(kind: Any, rows: list[Any]) -> dict[str, list[Any]]:
    return {field.name: [getattr(row, field.name) for row in rows] for field in fields(kind)}


def parse(text: str) -> tuple[dict[str, Any], Header, list[Tensor], list[Kernel], Totals]:
    """Return the whole document, and the header, tensors, kernels and totals it holds.

    Raises:
        InputError: saying what is wrong with the text.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("its description is no JSON") from None
    if not isinstance(document, dict):
        raise InputError("its description is no JSON object")
    version = document.get("version")
    if not _is_count(version):
        raise InputError("its description names no version")
    if version != SCHEMA_VERSION:
        made = document["header"].get("made_by") if isinstance(document.get("header"), dict) else None
        raise InputError(
            f"is of version {version}, written by {made or 'another hwmodel'}; this hwmodel reads version "
            f"{SCHEMA_VERSION}: capture it anew, or read it with that one"
        )
    header = _one(Header, document.get("header"), "header")
    tensors = _rows(Tensor, document.get("tensors"), "tensors")
    kernels = _rows(Kernel, document.get("kernels"), "kernels")
    totals = _one(Totals, document.get("totals"), "totals")
    _check(header, tensors, kernels, totals)
    return document, header, tensors, kernels, totals


def _check(header: Header, tensors: list[Tensor], kernels: list[Kernel], totals: Totals) -> None:
    size = header.sector_bytes
    if header.phase not in RUN_PHASES:
        raise InputError(f"its phase is {header.phase!r}")
    if not 1 <= size <= 4096 or size & (size - 1):
        raise InputError(f"its sectors are of {size} bytes; a power of two up to 4096 is possible")
    if header.version != SCHEMA_VERSION:
        raise InputError("its header is of another version than its description")
    for tensor in tensors:
        if tensor.kind not in KINDS or tensor.address + tensor.bytes > MAX_NUMBER:
            raise InputError(f"its tensor {tensor.name!r} is of no known kind or ends beyond 2**64")
    for kernel in kernels:
        if kernel.phase not in LAUNCH_PHASES:
            raise InputError(f"its kernel {kernel.name!r} is of the phase {kernel.phase!r}")
    if any(len(column) != len(kernels) for column in (totals.intervals, totals.sectors_read, totals.sectors_written)):
        raise InputError("its totals are not one a kernel")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_NUMBER


def _fits(value: object, kind: Any) -> bool:
    if kind is int:
        return _is_count(value)
    if kind is str:
        return isinstance(value, str)
    item = str if kind == list[str] else int
    return isinstance(value, list) and all(_fits(one, item) for one in value)


def _one(kind: type[Row], found: object, what: str) -> Row:
    """Return a dataclass from a JSON object with exactly its fields, but those that older files lack."""
    types = get_type_hints(kind)
    if not isinstance(found, dict) or not set(types) - LATER.get(kind, set()) <= set(found) <= set(types):
        raise InputError(f"its {what} holds other fields than {', '.join(types)}")
    for name, value in found.items():
        if not _fits(value, types[name]):
            raise InputError(f"its {what} has {name} = {str(value)[:60]!r}")
    return kind(**found)


def _rows(kind: type[Row], found: object, what: str) -> list[Row]:
    """Return dataclasses from a JSON object of equally long lists, one a field, but those that older files lack."""
    types = get_type_hints(kind)
    if not isinstance(found, dict) or not set(types) - LATER.get(kind, set()) <= set(found) <= set(types):
        raise InputError(f"its {what} hold other columns than {', '.join(types)}")
    for name, column in found.items():
        if not isinstance(column, list) or not all(_fits(value, types[name]) for value in column):
            raise InputError(f"its {what} have values in {name} that are no {types[name].__name__}")
    if len({len(column) for column in found.values()}) != 1:
        raise InputError(f"its {what} have columns of unlike lengths")
    names = [name for name in types if name in found]
    return [kind(**dict(zip(names, row, strict=True))) for row in zip(*(found[name] for name in names), strict=True)]
