"""Arguments of what describes a cache, checked one by one."""

from circuits.errors import InputError
from circuits.quantity import parse_bytes


def bytes_of(value: object, what: str) -> int:
    number = _integer(value)
    return parse_bytes(number if number is not None else value, what)  # type: ignore[arg-type]


def whole(value: object, what: str, most: int, least: int = 1) -> int:
    number = _integer(value)
    if number is None or not least <= number <= most:
        raise InputError(f"{what} {value!r}: give a whole number from {least} to {most}")
    return number


def one_of(value: object, what: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{what} {value!r}: give {', '.join(known[:-1])} or {known[-1]}")


def _integer(value: object) -> int | None:
    """Return numpy's integers and Python's as an int, anything else as None."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return None
    try:
        return value.__index__()  # type: ignore[attr-defined]
    except TypeError:  # arrays offer __index__ and then refuse
        return None
