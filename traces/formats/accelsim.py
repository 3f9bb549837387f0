"""Accel-Sim's kernel traces: a .traceg or .tracez a kernel, or a kernelslist.g that names them as they were launched.

A file lists its thread blocks one after another, and the warps of a block likewise; a GPU runs many at once. `waves`,
the rule by default, brings that back: blocks run in waves of as many as the machine holds, in the order listed, and
all warps of a wave advance together, an instruction each in turn. A wave that asks for more than WAVE accesses is cut
there: its later instructions follow. `listed` keeps the file's order, in which every block runs alone.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from traces.errors import InputError
from traces.formats import source, tracez
from traces.formats.launch import Launch, read_launch
from traces.formats.room import ROOM, Room, complaint, foreign, new_state
from traces.formats.scan import COUNT, FAULT, LINE, START
from traces.formats.warp_state import ENDED, ENOUGH, FAULTS, LEFT, NUMBERED, OPEN, WARPS
from traces.formats.warps import parse
from traces.stream import Intervals
from traces.trace import Trace

WAVE = 1 << 23  # accesses held of a wave: some 300 MiB
MAX_KERNELS = 1 << 18  # of a list
ORDERS = ("waves", "listed")
_NONE = 2**62  # blocks no file has

Resident = Callable[[int, int, int], int]  # threads a block, registers a thread, shared bytes a block -> blocks at once


def read(path: Path, order: str = "waves", resident: Resident | int = 1) -> Trace:
    """Return the trace in a .traceg, .tracez or kernelslist.g file: heads here, instructions as `batches` yields them.

    Args:
        path: the file.
        order: `waves` or `listed`.
        resident: how many blocks run at once, or what tells it of a kernel's threads, registers and shared bytes.

    Raises:
        InputError: here or while batches are read, naming the file and the line that is wrong.
    """
    paths = _listed(path) if _is_list(path) else [path]
    heads = {one: read_launch(one) for one in dict.fromkeys(paths)}
    launches = [heads[one] for one in paths]

    def stream() -> Iterator[Intervals]:
        for index, launch in enumerate(launches):
            for found in _ordered(launch, order, resident):
                if len(found.base):
                    yield found.batch(index)

    return foreign(path, [launch.kernel for launch in launches], stream, _notes(order))


def _notes(order: str) -> list[str]:
    rule = (
        "Blocks run in waves of as many as the machine holds; the warps of a wave advance an instruction each in turn."
        if order == "waves"
        else "Blocks and warps run one after another, as the file lists them."
    )
    return [
        "Read from Accel-Sim traces; each sector is accessed once a warp instruction, atomics read and write.",
        "Shared memory, constants and textures are left out; no first-level cache filters the stream.",
        rule,
    ]


def _is_list(path: Path) -> bool:
    start = source.head(path).lstrip()
    return start.startswith((b"kernel", b"Memcpy")) or path.name.startswith("kernelslist")


def _listed(path: Path) -> list[Path]:
    """Return the kernels' files, as a kernelslist.g names them; copies to the device make no access."""
    found = []
    for text, line in source.lines(path):
        for number, raw in enumerate(text.tobytes().split(b"\n"), line):
            name = raw.strip().decode(errors="backslashreplace")
            if not name.startswith("kernel"):
                continue
            one = _beside(path, name)
            if one is None:
                raise InputError(
                    f"{path}: line {number}: {name[:200]!r} is not there; put the kernels' files beside it"
                )
            found.append(one)
            if len(found) > MAX_KERNELS:
                raise InputError(f"{path}: names more than {MAX_KERNELS} kernels; give a shorter list")
    if not found:
        raise InputError(f"{path}: names no kernel; give a kernelslist.g with lines such as kernel-1.traceg")
    return found


def _beside(path: Path, name: str) -> Path | None:
    """Return the file that a list names, or the same compressed; None where there is neither."""
    try:
        return next((one for one in (path.parent / name, path.parent / f"{name}.xz") if one.is_file()), None)
    except (OSError, ValueError):  # a name too long, or with a null character
        return None


def _ordered(launch: Launch, order: str, resident: Resident | int) -> Iterator[Room]:
    if order == "listed":
        return (part for part, _ in _parts(launch, _NONE))
    if not isinstance(resident, int):
        resident = resident(launch.threads, launch.registers, launch.shared_bytes)
    return _in_waves(_parts(launch, resident))


def _parts(launch: Launch, enough: int) -> Iterator[tuple[Room, bool]]:
    """Yield accesses as they are parsed, and whether a wave of `enough` blocks ended with them."""
    state, room = new_state(WARPS), Room.empty()
    state[NUMBERED], state[ENOUGH] = launch.numbered, enough
    for text, line, places in _texts(launch):
        state[LINE], at = line, 0
        while at < len(text):
            at = int(parse(text, at, state, room))
            if state[FAULT]:
                place = tracez.place(text, int(state[START]), places) if places else ""
                raise complaint(launch.path, text, state, FAULTS, place)
            ended = bool(state[ENDED] >= enough)
            if at < len(text) or ended:
                yield room.part(0, int(state[COUNT])), ended
                state[COUNT] = 0
                state[ENDED] = 0 if ended else state[ENDED]
    if state[OPEN] or state[LEFT]:
        raise InputError(f"{launch.path}: truncated: ends within a thread block; give a file that ends with #END_TB")
    yield room.part(0, int(state[COUNT])), True


def _texts(launch: Launch) -> Iterator[tuple[np.ndarray, int, list[tracez.Place]]]:
    """Yield whole lines, the first one's number in the file and, where lines have none there, where they come from."""
    if launch.packed:
        return ((text, 0, places) for text, places in tracez.texts(launch.path))
    return ((text, line, []) for text, line in source.lines(launch.path))


def _in_waves(parts: Iterator[tuple[Room, bool]]) -> Iterator[Room]:
    """Yield the accesses of each wave by their instruction's number, those of one number as they were listed."""
    held: list[Room] = []
    count = 0
    for part, ended in parts:
        held.append(part)
        count += len(part.base)
        if ended or count >= WAVE:
            yield from _by_turns(held, count)
            held, count = [], 0


def _by_turns(held: list[Room], count: int) -> Iterator[Room]:
    whole = Room(*map(np.concatenate, zip(*held, strict=True)))
    turns = np.argsort(whole.tag, kind="stable")
    for start in range(0, count, ROOM):
        chosen = turns[start : start + ROOM]
        yield Room(*(column[chosen] for column in whole))
