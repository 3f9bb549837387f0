"""Text to SI numbers, once, at the edge: `3MiB`, `128 B`, `16nm`."""

import math
import re
import reprlib
from numbers import Integral

from circuits.errors import InputError

MAX_BYTES = 1 << 40  # 1 TiB: far above any cache, far below what overflows

MAX_CHARACTERS = 64  # longer text is no quantity; matching it would take quadratic time

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµμ]*)\s*", re.ASCII)
# KB, MB and GB are powers of 1024 here, as the field uses them.
_BYTE_UNITS = {
    unit + tail: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t")) for tail in ("", "b", "ib")
}
del _BYTE_UNITS["ib"]
_LENGTH_UNITS = {"nm": 1e-9, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "m": 1.0}
_TIME_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0}

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = MAX_CHARACTERS


def _split(text: str) -> tuple[float, str] | None:
    match = _NUMBER.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    return (float(match[1]), match[2]) if match else None


def parse_bytes(value: int | str, what: str = "capacity") -> int:
    """Return a whole, positive number of bytes.

    Args:
        value: a number of bytes, or text such as `3MiB`, `512 KB`, `128 B`; K, M, G, T are powers of 1024.
        what: the name of the quantity, for the error message.

    Raises:
        InputError: for text that is no size, and for sizes that are not whole, not positive or above 1 TiB.
    """
    right = f"give a whole number of bytes from 1 to 1 TiB, such as 3MiB or {128 if what == 'line' else 3145728}"
    given = f"{what} {_SHORT.repr(value)}"
    if isinstance(value, bool) or not isinstance(value, (Integral, str)):
        raise InputError(f"{given}: not a size; {right}")
    parts = _split(value) if isinstance(value, str) else (int(value), "")
    if parts is None or parts[1].lower() not in _BYTE_UNITS:
        raise InputError(f"{given}: not a size; {right}")
    size = parts[0] * _BYTE_UNITS[parts[1].lower()]
    if size > MAX_BYTES:
        raise InputError(f"{given}: more than 1 TiB; {right}")
    if size <= 0:
        raise InputError(f"{given}: not positive; {right}")
    if size != int(size):
        raise InputError(f"{given}: not a whole number of bytes; {right}")
    return int(size)


def parse_length(value: str, what: str = "node") -> float:
    """Return a length in metres from text such as `16nm`.

    Raises:
        InputError: for text without a number and one of the units nm, um, m, and for lengths that are not positive.
    """
    parts = _split(value) if isinstance(value, str) else None
    length_m = parts[0] * _LENGTH_UNITS.get(parts[1], 0.0) if parts else 0.0
    if not 0 < length_m < math.inf:
        raise InputError(f"{what} {_SHORT.repr(value)}: not a length; give a number and a unit, such as 16nm")
    return length_m


def parse_time(value: str, what: str) -> float:
    """Return a time in seconds from text such as `26.5us`.

    Raises:
        InputError: for text without a number and one of the units ns, us, ms, s, and for times that are not positive.
    """
    parts = _split(value) if isinstance(value, str) else None
    time_s = parts[0] * _TIME_UNITS.get(parts[1], 0.0) if parts else 0.0
    if not 0 < time_s < math.inf:
        raise InputError(f"{what} {_SHORT.repr(value)}: not a time; give a number and a unit, such as 26.5us")
    return time_s
