"""Where parsers put the accesses they find: arrays of fixed length, handed on as batches of a trace."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from traces.errors import InputError
from traces.formats import source
from traces.formats.compiled import Whole
from traces.formats.scan import COUNT, FAULT, LINE, START, STATE, STOP
from traces.stream import Intervals
from traces.trace import Header, Kernel, Tensor, Trace, made_by

ROOM = 1 << 18  # accesses of a batch
SHOWN = 60  # bytes of a wrong token that a complaint quotes

# parse(text, at, state, room) -> where it stopped: at the text's end, where the room is full, or at a fault.
Parse = Callable[..., Whole]


class Room(NamedTuple):
    """Accesses: `width` bytes from `base` on, read or written; what `tag` says is the parser's own."""

    base: np.ndarray  # uint64
    width: np.ndarray  # uint32
    write: np.ndarray  # bool
    tag: np.ndarray  # uint32

    @classmethod
    def empty(cls, length: int = ROOM) -> "Room":
        return cls(*(np.empty(length, kind) for kind in (np.uint64, np.uint32, np.bool_, np.uint32)))

    def part(self, start: int, stop: int) -> "Room":
        """Return the accesses from `start` to `stop` as copies, which outlive the room's next filling."""
        return Room(*(column[start:stop].copy() for column in self))

    def batch(self, kernel: "int | np.ndarray") -> Intervals:
        """Return the accesses as a batch of the one tensor there is, of one kernel or of one each."""
        length = len(self.base)
        return Intervals(
            self.base, np.zeros(length, np.int64), np.ones(length, np.uint32), self.width, self.write,
            np.zeros(length, np.uint32),
            kernel if isinstance(kernel, np.ndarray) else np.full(length, kernel, np.uint32),
        )  # fmt: skip


def new_state(size: int = 0) -> np.ndarray:
    """Return a parser's state with `size` places of its own."""
    return np.zeros(STATE + size, np.int64)


def parsed(path: Path, parse: Parse, state: np.ndarray, faults: tuple[str, ...], *more: Any) -> Iterator[Room]:
    """Run a parser over a text, line by line; yield the accesses whenever a room is full and at the end.

    Args:
        path: the text.
        parse: what to run: parse(text, at, state, room, *more).
        state: `new_state`.
        faults: what each of the parser's faults means, and what would be right.
        more: what else the parser wants.

    Raises:
        InputError: naming the line and the token that the parser refused; and as `source.lines`.
    """
    room = Room.empty()
    for text, line in source.lines(path):
        state[LINE], at = line, 0
        while at < len(text):
            at = int(parse(text, at, state, room, *more))
            if state[FAULT]:
                raise complaint(path, text, state, faults)
            if at < len(text):
                yield room.part(0, int(state[COUNT]))
                state[COUNT] = 0
    if state[COUNT]:
        yield room.part(0, int(state[COUNT]))


def complaint(
    path: Path, text: np.ndarray, state: np.ndarray, faults: tuple[str, ...], place: str = ""
) -> InputError:  # fmt: skip
    """Return the error for what a parser refused, in a line of the file or where `place` says."""
    start, stop = int(state[START]), int(state[STOP])
    found = text[start : min(stop, start + SHOWN)].tobytes().decode(errors="backslashreplace")
    shown = f"{found!r}{'...' if stop - start > SHOWN else ''}" if stop > start else "nothing"
    return InputError(f"{path}: {place or f'line {int(state[LINE])}'}: found {shown}, {faults[int(state[FAULT])]}")


def foreign(path: Path, kernels: list[Kernel], stream: Callable[[], Iterator[Intervals]], notes: list[str]) -> Trace:
    """Return a trace that another tool wrote: its kernels and accesses, and what was assumed to make it one of ours."""
    header = Header(network=_plain(path.name), phase="inference", batch=1, gpu="", made_by=made_by(), notes=notes)
    return Trace(header, [Tensor("memory", "buffer", 0, 0)], list(map(_named, kernels)), stream)


def _plain(text: str) -> str:
    """Return text that any file can hold: names of files, and JSON, may have halves of characters."""
    return text.encode(errors="backslashreplace").decode()


def _named(one: Kernel) -> Kernel:
    return one if one.name.isascii() else replace(one, name=_plain(one.name), operator=_plain(one.operator))


def text_trace(path: Path, parse: Parse, faults: tuple[str, ...], notes: list[str]) -> Trace:
    """Return a text's accesses as those of one kernel; they are `parsed` as `batches` yields them."""

    def stream() -> Iterator[Intervals]:
        for found in parsed(path, parse, new_state(), faults):
            yield found.batch(0)

    return foreign(path, lone_kernel(path), stream, notes)


def lone_kernel(path: Path) -> list[Kernel]:
    """Return the one kernel of a trace that knows none."""
    return [Kernel(path.name, "", "", "forward", 1, 0)]
