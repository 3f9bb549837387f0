"""A predictor's file: safetensors, which is arrays and text and nothing that runs.

Its one entry of metadata, `hwmodel`, is a JSON mapping with at least `version` and `kind`; the kind says who reads the
rest. What is read is bounded before it is believed.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from circuits.errors import InputError

VERSION = 1
MOST_BYTES = 256 << 20
MOST_TEXT = 1 << 20  # bytes of metadata
_TYPES = {"F64", "F32", "F16", "I64", "I32", "I16", "I8", "U8", "BOOL"}
_KEY = "hwmodel"


@dataclass(frozen=True)
class Container:
    """What stands in a file: its kind, what is said about it, and its arrays by their names."""

    kind: str
    about: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


def write_container(path: Path, container: Container) -> None:
    """Write a file, whole or not at all.

    Raises:
        InputError: where it cannot be written, and for what is said that JSON cannot hold.
    """
    from safetensors.numpy import save

    from traces.errors import InputError as TraceInputError
    from traces.files import replacing

    try:
        said = {"version": VERSION, "kind": container.kind} | dict(container.about)
        text = json.dumps(said, allow_nan=False, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: what is said about the predictor is no JSON: {error}") from None
    if len(text) > MOST_TEXT:
        raise InputError(f"{path}: more than {MOST_TEXT >> 20} MiB is said about the predictor")
    data = save({name: np.ascontiguousarray(array) for name, array in container.arrays.items()}, {_KEY: text})
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: {len(data)} bytes, more than a predictor's file may have ({MOST_BYTES >> 20} MiB)")
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except TraceInputError as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def read_container(path: Path) -> Container:
    """Return what a file holds: every number finite, its version one that we read.

    Raises:
        InputError: for a file that is missing, too large, damaged, of another version, or none of ours.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: {'not a file' if path.exists() else 'no such file'}; give a predictor's file")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # a name that no file can have
        raise error if isinstance(error, InputError) else InputError(f"{str(path)!r}: {error}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: larger than {MOST_BYTES >> 20} MiB; not a predictor's file")
    return parse_container(data, str(path))


def parse_container(data: bytes, where: str) -> Container:
    """Return what the bytes of a file hold; see `read_container`."""
    about = _about(data, where)
    version, kind = about.pop("version", None), about.pop("kind", None)
    if version != VERSION or isinstance(version, bool):
        newer = "; a newer hwmodel wrote it" if isinstance(version, int) and version > VERSION else ""
        raise InputError(f"{where}: version {str(version)[:20]!r}, not {VERSION}{newer}")
    if not isinstance(kind, str) or not kind:
        raise InputError(f"{where}: says no kind of predictor")
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise _damaged(where, str(error)) from None
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{where}: {name[:40]} holds what is no finite number")
    return Container(kind, about, arrays)


def _about(data: bytes, where: str) -> dict[str, Any]:
    """Return the metadata's mapping from the file's header, whose arrays are of types that we take."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8 or length > 4 * MOST_TEXT:
        raise _damaged(where, "its header is not whole")
    header = _mapping(data[8 : 8 + length], where)
    metadata = header.get("__metadata__")
    text = metadata.get(_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise InputError(f"{where}: a safetensors file, but no predictor of hwmodel")
    for name, entry in header.items():
        if name != "__metadata__" and (not isinstance(entry, dict) or entry.get("dtype") not in _TYPES):
            raise _damaged(where, f"{name[:40]!r} is of a type that predictors do not have")
    return _mapping(text.encode(), where)


def _mapping(text: bytes, where: str) -> dict[str, Any]:
    def number(text: str) -> float:
        if not math.isfinite(value := float(text)):
            raise ValueError(f"{text[:20]} is no finite number")
        return value

    try:
        found = json.loads(text, parse_constant=number, parse_float=number)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, str(error)) from None
    if not isinstance(found, dict):
        raise _damaged(where, "its header is no mapping")
    return found


def _damaged(where: str, reason: str) -> InputError:
    return InputError(f"{where}: not a predictor's file, or damaged: {' '.join(reason.split())[:200]}")
