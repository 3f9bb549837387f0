"""The objects in a JSON document's lists, one at a time: a profiler's trace of gigabytes is never held whole.

Those of a list that is the document itself, or that is a value of the document's object, are given; everything else
is passed over unread, but for the balance of its brackets.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from traces.errors import InputError
from traces.formats import source
from traces.formats.compiled import Whole, kernel

MAX_OBJECT = 1 << 24  # bytes of one object, and between two
# Places of `state`: brackets open, is a string open, is a backslash, the outermost two brackets, where the object that
# is open began (-1: none), what is wrong.
_DEPTH, _STRING, _ESCAPE, _FIRST, _SECOND, _BEGUN, _WRONG = range(7)


@kernel
def scan(text: np.ndarray, at: Whole, state: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> tuple[Whole, int]:
    """Find where objects start and stop from `at` on; return where it stopped and how many it found."""
    found = 0
    while at < len(text) and found < len(starts):
        byte = text[at]
        if state[_STRING]:
            if state[_ESCAPE]:
                state[_ESCAPE] = 0
            elif byte == 92:
                state[_ESCAPE] = 1
            elif byte == 34:
                state[_STRING] = 0
        elif byte == 34:
            state[_STRING] = 1
        elif byte in (123, 91):  # { [
            depth = state[_DEPTH]
            if depth < 2:
                state[_FIRST + depth] = byte
            in_list = (depth == 1 and state[_FIRST] == 91) or (
                depth == 2 and state[_FIRST] == 123 and state[_SECOND] == 91
            )
            if byte == 123 and in_list:
                state[_BEGUN] = at
            state[_DEPTH] = depth + 1
        elif byte in (125, 93):  # } ]
            state[_DEPTH] -= 1
            depth = state[_DEPTH]
            if depth < 0:
                state[_WRONG] = 1
                return at, found
            if state[_BEGUN] >= 0 and depth == (1 if state[_FIRST] == 91 else 2):
                starts[found], stops[found] = state[_BEGUN], at + 1
                state[_BEGUN] = -1
                found += 1
        at += 1
    return at, found


def elements(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document's lists.

    Raises:
        InputError: for a file that is no JSON, is truncated, or holds more than 16 MiB in an object or between two.
    """
    state = np.zeros(7, np.int64)
    state[_BEGUN] = -1
    starts, stops = np.empty(1 << 12, np.int64), np.empty(1 << 12, np.int64)
    held, number, first, idle = b"", 0, True, 0
    for piece in source.pieces(path):
        if first and piece.lstrip()[:1] not in {b"{", b"[", b""}:
            raise InputError(f"{path}: no JSON: begins with {piece.lstrip()[:20]!r}; give an object or a list")
        first = first and not piece.lstrip()
        data, at = held + piece, len(held)
        text = np.frombuffer(data, np.uint8)
        before = number
        while at < len(data):
            at, found = map(int, scan(text, at, state, starts, stops))
            if state[_WRONG]:
                raise InputError(f"{path}: no JSON: a bracket is closed that was never opened, after object {number}")
            for start, stop in zip(starts[:found].tolist(), stops[:found].tolist(), strict=True):
                number += 1
                yield _parsed(path, data[start:stop], number)
        begun = int(state[_BEGUN])
        held = data[begun:] if begun >= 0 else b""
        state[_BEGUN] = 0 if begun >= 0 else -1
        if len(held) > MAX_OBJECT:
            raise _long(path, number + 1)
        idle = 0 if held or number > before else idle + len(piece)
        if idle > MAX_OBJECT:
            raise InputError(
                f"{path}: no object in the {MAX_OBJECT >> 20} MiB after object {number}; give a profiler's trace"
            )
    if state[_DEPTH] or first:
        raise InputError(f"{path}: truncated: ends within its JSON document, after object {number}; write it anew")


def _parsed(path: Path, raw: bytes, number: int) -> dict[str, Any]:
    if len(raw) > MAX_OBJECT:
        raise _long(path, number)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise InputError(f"{path}: object {number}: no JSON: {raw[:60]!r}; write the trace anew") from None


def _long(path: Path, number: int) -> InputError:
    return InputError(f"{path}: object {number}: longer than {MAX_OBJECT >> 20} MiB; give a profiler's trace")


def whole(value: object, most: int = 2**62) -> int | None:
    """Return a value that is a whole number from 0 to `most`, written as a number or as text; else None."""
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None
