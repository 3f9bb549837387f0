"""What a training job says of itself: frames, and the times of its phases, in files that whoever watches reads along.

A process that counts maps a small file of its own in the folder that the environment variable `HWMODEL_METER` names,
and adds to sums there; nothing is sent and nobody is waited for, so a job runs the same whether it is watched or not.
The sums stay when the process dies, however it does. Of each phase they are those from which means, variances and the
line `seconds = a + b * size` follow, so that sums of many processes and of any span of time add up and subtract.

A file, in the machine's own byte order: 64 bytes of header (`MAGIC`, then the process's number as int64), then slots of
128 bytes: a name of up to 32 bytes in UTF-8, and 12 float64, one for each name of `SUMS`, the rest unused. A slot
without a name ends the list. A reader that comes while a process adds may see an event in some of the sums alone.
"""

import contextlib
import mmap
import os
import re
import struct
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

FOLDER = "HWMODEL_METER"
MAGIC = b"hwmeter1"
HEADER_BYTES, SLOT_BYTES, NAME_BYTES = 64, 128, 32
SLOTS = 31
FILE_BYTES = HEADER_BYTES + SLOTS * SLOT_BYTES
SUMS = ("count", "size", "size2", "wall_s", "wall_s2", "size_wall_s", "cpu_s", "cpu_s2", "size_cpu_s")
FRAMES = "frames"  # the phase whose sizes are the frames that the job is after

_NAME = re.compile(r"[a-z][a-z0-9_.]*")
_VALUES = struct.Struct(f"={len(SUMS)}d")


class Meter:
    """Counts what one thread of a job does. Without a folder it counts nothing, at the cost of a call.

    Phases whose names others understand: `environment` (size: environments stepped), `inference` (size: observations in
    the batch), `learner` (size: frames learned from), `queue` (an actor's wait from its request to the reply), `gather`
    and `reply` (before and after inference), `device` and `learner_device` (the time on the GPU alone, of the two).
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        """Count into `folder`, or where the environment variable `HWMODEL_METER` says.

        Raises:
            OSError: a file cannot be made in the folder.
        """
        where = folder or os.environ.get(FOLDER)
        self._folder = Path(where) if where else None
        self._begin()
        _METERS.add(self)

    def _begin(self) -> None:
        self._map = _new_file(self._folder) if self._folder else None
        self._sums: dict[str, tuple[int, list[float]]] = {}  # phase -> where its sums stand, and the sums

    def add(self, phase: str, size: float = 1.0, wall_s: float = 0.0, cpu_s: float = 0.0) -> None:
        """Add an event of a phase: of a size, that took `wall_s` of time and `cpu_s` of this thread's processor time.

        Raises:
            ValueError: not a phase's name (lower case, up to 32 bytes), or the 32nd phase.
        """
        if self._map is None:
            return
        at, s = self._sums.get(phase) or self._slot(phase)
        s[0] += 1.0
        s[1] += size
        s[2] += size * size
        s[3] += wall_s
        s[4] += wall_s * wall_s
        s[5] += size * wall_s
        s[6] += cpu_s
        s[7] += cpu_s * cpu_s
        s[8] += size * cpu_s
        _VALUES.pack_into(self._map, at, *s)

    def frames(self, number: float) -> None:
        """Count frames: what the job is after, and what its speed is told in."""
        self.add(FRAMES, number)

    @contextlib.contextmanager
    def phase(self, name: str, size: float = 1.0) -> Iterator[None]:
        """Time what is done within, and add it; what ended by an exception is not added."""
        if self._map is None:
            yield
            return
        cpu, wall = time.thread_time(), time.perf_counter()
        yield
        self.add(name, size, time.perf_counter() - wall, time.thread_time() - cpu)

    def _slot(self, phase: str) -> tuple[int, list[float]]:
        name = phase.encode()
        if not _NAME.fullmatch(phase) or len(name) > NAME_BYTES:
            raise ValueError(
                f"phase {phase!r}: give up to {NAME_BYTES} lower-case letters, digits, points and underscores"
            )
        if len(self._sums) == SLOTS:
            raise ValueError(f"phase {phase!r}: a meter holds {SLOTS} phases")
        start = HEADER_BYTES + len(self._sums) * SLOT_BYTES
        assert self._map is not None
        self._map[start : start + len(name)] = name
        self._sums[phase] = found = start + NAME_BYTES, [0.0] * len(SUMS)
        return found


_METERS: "weakref.WeakSet[Meter]" = weakref.WeakSet()


def _after_fork() -> None:
    """Give a forked process files of its own: those of its parent are mapped here too."""
    for meter in _METERS:
        meter._begin()


os.register_at_fork(after_in_child=_after_fork)


def _new_file(folder: Path) -> mmap.mmap:
    """Return a mapped file that no other meter has, in a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        try:
            descriptor = os.open(folder / f"{os.getpid()}-{number}.meter", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            break
        except FileExistsError:
            number += 1
    try:
        os.posix_fallocate(descriptor, 0, FILE_BYTES)  # a full disk is told here, not by a signal at the first sum
        mapped = mmap.mmap(descriptor, FILE_BYTES)
    finally:
        os.close(descriptor)
    mapped[8:16] = struct.pack("=q", os.getpid())
    mapped[:8] = MAGIC
    return mapped
