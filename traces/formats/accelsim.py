"""Accel-Sim's kernel traces: a .traceg file a kernel, or a kernelslist.g that names them in the order of their launch.

A file lists its thread blocks one after another, and the warps of a block likewise; a GPU runs many at once. `waves`,
the rule by default, brings that back: blocks run in waves of as many as the machine holds, in the order listed, and
all warps of a wave advance together, an instruction each in turn. A wave that asks for more than WAVE accesses is cut
there: its later instructions follow. `listed` keeps the file's order, in which every block runs alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from traces.errors import InputError
from traces.formats import source
from traces.formats.room import ROOM, Room, complaint, foreign, new_state
from traces.formats.scan import COUNT, FAULT, LINE
from traces.formats.warp_state import ENDED, ENOUGH, FAULTS, LEFT, NUMBERED, OPEN, WARPS
from traces.formats.warps import parse
from traces.stream import Intervals
from traces.trace import Kernel, Trace

VERSIONS = range(3, 7)
WAVE = 1 << 23  # accesses held of a wave: some 300 MiB
MAX_KERNELS = 1 << 18  # of a list
ORDERS = ("waves", "listed")
_NONE = 2**62  # blocks no file has
_TRIPLE = r"\((\d{1,10}),(\d{1,10}),(\d{1,10})\)"

Resident = Callable[[int, int, int], int]  # threads a block, registers a thread, shared bytes a block -> blocks at once


@dataclass(frozen=True)
class Launch:
    """What the head of a .traceg file says."""

    path: Path
    kernel: Kernel
    threads: int  # of a block
    registers: int  # of a thread
    shared_bytes: int  # of a block
    numbered: bool  # each instruction begins with the number of its source line


def read(path: Path, order: str = "waves", resident: Resident | int = 1) -> Trace:
    """Return the trace in a .traceg or kernelslist.g file; heads are read here, instructions as `batches` yields them.

    Args:
        path: the file.
        order: `waves` or `listed`.
        resident: how many blocks run at once, or what tells it of a kernel's threads, registers and shared bytes.

    Raises:
        InputError: here or while batches are read, naming the file and the line that is wrong.
    """
    paths = _listed(path) if _is_list(path) else [path]
    heads = {one: _head(one) for one in dict.fromkeys(paths)}
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


def _head(path: Path) -> Launch:
    """Return what stands before a file's first thread block."""
    lines = source.head(path).decode(errors="backslashreplace").split("\n")
    found: dict[str, str] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if line.startswith("#"):
            return _launch(path, found)
        if line.startswith("-"):
            name, equals, value = line[1:].partition("=")
            if not equals:
                raise InputError(f"{path}: line {number}: {line[:60]!r} sets nothing; give -name = value")
            found[name.strip()] = value.strip()
        elif line:
            break
    raise InputError(f"{path}: not a kernel trace: no head of lines such as '-kernel name = ..', then '#traces format'")


def _launch(path: Path, found: dict[str, str]) -> Launch:
    def number(name: str, default: int | None = None) -> int:
        text = found.get(name, "" if default is None else str(default))
        if not re.fullmatch(r"\d{1,10}", text, re.ASCII):
            raise InputError(f"{path}: its head has {name} = {text[:60]!r}; give a whole number below 10**10")
        return int(text)

    def lengths(name: str) -> tuple[int, int, int]:
        right = re.fullmatch(_TRIPLE, found.get(name, ""), re.ASCII)
        if right is None:
            raise InputError(f"{path}: its head has {name} = {found.get(name, '')[:60]!r}; give (x,y,z)")
        x, y, z = map(int, right.groups())
        if x * y * z >= 2**63:
            raise InputError(f"{path}: its head has {name} = {found[name]}; give less than 2**63 in all")
        return x, y, z

    version = number("accelsim tracer version")
    if version not in VERSIONS:
        raise InputError(
            f"{path}: of tracer version {version}; give one of versions {VERSIONS[0]} to {VERSIONS[-1]}, post-processed"
        )
    grid, block = lengths("grid dim"), lengths("block dim")
    name = found.get("kernel name") or path.name
    layer = f"kernel {number('kernel id', 0)} grid {'x'.join(map(str, grid))} block {'x'.join(map(str, block))}"
    kernel = Kernel(name, "", layer, "forward", grid[0] * grid[1] * grid[2], 0)
    threads = block[0] * block[1] * block[2]
    return Launch(path, kernel, threads, number("nregs", 0), number("shmem", 0), number("enable lineinfo", 0) != 0)


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
    for text, line in source.lines(launch.path):
        state[LINE], at = line, 0
        while at < len(text):
            at = int(parse(text, at, state, room))
            if state[FAULT]:
                raise complaint(launch.path, text, state, FAULTS)
            ended = bool(state[ENDED] >= enough)
            if at < len(text) or ended:
                yield room.part(0, int(state[COUNT])), ended
                state[COUNT] = 0
                state[ENDED] = 0 if ended else state[ENDED]
    if state[OPEN] or state[LEFT]:
        raise InputError(f"{launch.path}: truncated: ends within a thread block; give a file that ends with #END_TB")
    yield room.part(0, int(state[COUNT])), True


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
