"""How many frames a command has done: from a pattern on its output, a file that grows, or what its meters count."""

import csv
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from circuits.errors import InputError
from hwmodel.balance.profile.patterns import Pattern

KINDS = ("frames", "more", "rate")  # a running total, an increment, frames a second
MOST_LINE_BYTES = 1 << 22  # of a line of a file; a result of RLlib's has hundreds of thousands

_NUMBER = re.compile(r"([-+]?[\d,_]*\.?\d+(?:[eE][-+]?\d+)?)\s*([kKmMbBgG]?)")
_POWERS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9}


def number_of(text: str) -> float | None:
    """Return the number that a text is: `1,234`, `1_234`, `1.2e6`, `12k`, `1.5M`; none for another text."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return float(found[1].replace(",", "").replace("_", "")) * _POWERS[found[2].lower()]
    except ValueError:
        return None


class Count:
    """Frames so far, from totals, increments or rates as they are told.

    A total that falls is a count that began again (the next run of a sweep), and is added to what there was.

    Attributes:
        total: frames so far; none before anything was told.
        at_s: when that was told.
        told: how often something was told.
        restarts: how often a total fell.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.total: float | None = None
        self.at_s = 0.0
        self.told = self.restarts = 0
        self._before = self._last = 0.0

    def tell(self, number: float, at_s: float) -> None:
        """Take a number that was told at a time."""
        if not 0 <= number < 1e18:
            return
        if self.kind == "frames":
            if number < self._last:
                self.restarts += 1
                self._before += self._last
            self.total = self._before + number
            self._last = number
        elif self.kind == "more":
            self.total = (self.total or 0.0) + number
        else:
            self.total = (self.total or 0.0) + number * (at_s - self.at_s if self.told else 0.0)
        self.told += 1
        self.at_s = at_s

    def again(self) -> None:
        """Begin a file anew that is the same one, written once more."""
        self._last = 0.0
        if self.kind != "frames":
            self.total = None


class Source(Protocol):
    """Where frames are looked for: `count`, and `by`, which says where in words."""

    count: Count
    by: str

    def look(self, lines: Sequence[tuple[float, str]], now_s: float) -> None:
        """Look for what is new: in lines of output with their times, or where the source knows."""
        ...


class InOutput:
    """Frames by a pattern on the command's output.

    Raises:
        InputError: the pattern cannot be read, or has no group.
    """

    def __init__(self, text: str) -> None:
        self._pattern = _counting(text)
        self.count = Count(self._pattern.group)
        self.by = f"{_WORDS[self.count.kind]} by '{text}' in the output"

    def look(self, lines: Sequence[tuple[float, str]], now_s: float) -> None:  # noqa: ARG002
        """Take what the lines tell."""
        if not lines:
            return
        at = 0
        while at < len(lines):  # lines that came together are looked through together
            end = at
            while end < len(lines) and lines[end][0] == lines[at][0]:
                end += 1
            for text in self._pattern.numbers([line for _, line in lines[at:end]]):
                if (number := number_of(text)) is not None:
                    self.count.tell(number, lines[at][0])
            at = end


_WORDS = {"frames": "a running total", "more": "increments", "rate": "a rate"}


def _counting(text: str) -> Pattern:
    pattern = Pattern(text, "frames")
    if pattern.group not in KINDS:
        raise InputError(
            f"frames: pattern {text!r}: give one group (...) for a running total, or (?P<more>...) for increments, "
            "or (?P<rate>...) for frames a second"
        )
    return pattern


class InFile:
    """Frames in a file that grows: by a pattern, or by a column of CSV or a key of JSON lines.

    What the file held before the command began is passed over. A file that is not there yet is waited for.

    Args:
        path: the file.
        pattern: as for output.
        column: `NAME`, `NAME:more` or `NAME:rate`; keys within keys are written `a/b`.

    Raises:
        InputError: for a pattern or a column that cannot be.
    """

    def __init__(self, path: Path, pattern: str | None, column: str | None) -> None:
        if (pattern is None) == (column is None):
            raise InputError(f"frames in {path}: give either a pattern or a column")
        self._path = path
        self._pattern = None if pattern is None else _counting(pattern)
        self._column, _, kind = (column or "").rpartition(":") if _has_kind(column) else (column or "", "", "frames")
        self.count = Count(self._pattern.group if self._pattern else kind)
        what = f"'{pattern}'" if pattern is not None else f"column '{self._column}'"
        self.by = f"{_WORDS[self.count.kind]} by {what} in {path}"
        self._header: list[str] | None = None
        self._head = b""
        self._carry = b""
        self._at = _size(path)

    def look(self, lines: Sequence[tuple[float, str]], now_s: float) -> None:  # noqa: ARG002
        """Take what the file has grown by."""
        size = _size(self._path)
        if size == self._at:
            return
        try:
            with self._path.open("rb") as file:
                if not self._pattern:
                    self._look_at_head(file.readline(MOST_LINE_BYTES))
                if size < self._at:
                    self._rewind()
                file.seek(self._at)
                data = self._carry + file.read(MOST_LINE_BYTES)
                self._at = file.tell()
        except OSError:
            return
        *whole, self._carry = data.split(b"\n")
        self._carry = self._carry[:MOST_LINE_BYTES]
        texts = [line.decode("utf-8", "replace") for line in whole]
        found = self._pattern.numbers(texts) if self._pattern else [self._in_column(text) for text in texts]
        for text in found:
            if text is not None and (number := number_of(str(text))) is not None:
                self.count.tell(number, now_s)

    def _look_at_head(self, head: bytes) -> None:
        """Read the columns' names; loggers that meet a new one write the whole file again."""
        if head == self._head or not head.endswith(b"\n"):
            return
        if self._head:
            self._rewind()
        self._head = head
        if not head.startswith((b"{", b"#")):
            self._header = next(csv.reader([head.decode("utf-8", "replace").strip()]), [])

    def _rewind(self) -> None:
        self._at, self._carry = 0, b""
        self.count.again()

    def _in_column(self, line: str) -> Any:
        line = line.strip()
        if not line or line.startswith("#"):
            return None
        if line.startswith("{"):
            try:
                return _within(json.loads(line), self._column)
            except (ValueError, RecursionError):
                return None
        cells = next(csv.reader([line]), [])
        if self._header is None or (self._column in cells and self._column not in self._header):
            self._header = cells
        if self._column not in self._header or len(cells) <= self._header.index(self._column):
            return None
        return cells[self._header.index(self._column)]


def _has_kind(column: str | None) -> bool:
    return column is not None and column.rpartition(":")[2] in KINDS and ":" in column


def _within(document: Any, key: str) -> Any:
    """Return what stands under a key, or under keys within keys, `a/b`."""
    if not isinstance(document, dict):
        return None
    if key in document:
        return document[key]
    first, sign, rest = key.partition("/")
    return _within(document.get(first), rest) if sign else None


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0
