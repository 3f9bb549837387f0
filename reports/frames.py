"""Frames that a figure or a table is made of, checked: what is drawn has its columns, names and finite numbers."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError
from reports.record import clean

if TYPE_CHECKING:
    import pandas as pd


def checked(
    frame: "pd.DataFrame",
    what: str,
    texts: Collection[str] = (),
    numbers: Collection[str] = (),
    *,
    positive: Collection[str] = (),
    blank: Collection[str] = (),
) -> "pd.DataFrame":
    """Return these columns of a frame, in a new one: names as clean text, numbers as floats.

    Args:
        frame: at least a row.
        what: the frame's name in a complaint, such as its file's.
        texts: columns of names, none of them empty.
        numbers: columns of finite numbers.
        positive: columns of numbers above 0, as a logarithmic axis and a ratio need them.
        blank: columns of numbers that may be missing (NaN) where there is nothing to tell.

    Raises:
        InputError: naming the column and the first row, from 1, that cannot be used.
    """
    import pandas as pd

    wanted = dict.fromkeys([*texts, *numbers, *positive, *blank])
    missing = [name for name in wanted if name not in frame]
    if missing:
        raise InputError(f"{what}: no column {missing[0]!r}; there are {', '.join(map(str, frame.columns))[:200]}")
    if frame.empty:
        raise InputError(f"{what}: no rows")
    found = {}
    for name in wanted:
        if name in texts:
            values = [clean(str(value)) if value == value else "" for value in frame[name]]  # noqa: PLR0124  (NaN)
            _refuse(what, name, [bool(value) for value in values], "empty")
        else:
            column: Any = pd.to_numeric(frame[name], errors="coerce")
            values = column.astype(float).tolist()
            good = [name in blank if value != value else abs(value) != float("inf") for value in values]  # noqa: PLR0124
            _refuse(what, name, good, "not a finite number")
            if name in positive:
                _refuse(what, name, [value > 0 for value in values], "not above 0")
        found[name] = values
    return pd.DataFrame(found)


def _refuse(what: str, name: str, good: list[bool], why: str) -> None:
    if not all(good):
        raise InputError(f"{what}: {name} of row {good.index(False) + 1} is {why}")
