"""Files of /proc that are read again and again, through descriptors that stay open.

A descriptor belongs to the process it was opened for: once that has ended, reads fail, whoever has its number now.
"""

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")  # only of /proc/stat and of the time a process began; all else is nanoseconds
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MOST_BYTES = 1 << 16  # of one read; lists of children may be long

_SWITCHES = re.compile(rb"^(?:non)?voluntary_ctxt_switches:\s+(\d+)", re.MULTILINE)


class Source:
    """A file that is read from its beginning each time. Where no descriptor is left, it is opened for each read."""

    __slots__ = ("descriptor", "path")

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            OSError: there is no such process any more, or it may not be read.
        """
        self.path = path
        try:
            self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in _NO_DESCRIPTORS:
                raise
            self.descriptor = -1

    def read(self, most: int = 4096) -> bytes:
        """Return what stands there now.

        Raises:
            OSError: the process has ended.
        """
        if self.descriptor >= 0:
            return os.pread(self.descriptor, most, 0)
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, most)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let the descriptor go."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


_NO_DESCRIPTORS = (23, 24)  # ENFILE, EMFILE


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat says: `start` in clock ticks since boot, `cpu` the processor it ran on last."""

    name: str
    state: str
    parent: int
    session: int
    threads: int
    start: int
    cpu: int


def stat_of(raw: bytes) -> Stat:
    """Parse a line of /proc/PID/stat; the name may hold blanks and brackets."""
    head, _, tail = raw.rpartition(b")")
    f = tail.split()
    name = head.partition(b"(")[2].decode("utf-8", "replace")
    return Stat(name, f[0].decode(), int(f[1]), int(f[3]), int(f[17]), int(f[19]), int(f[36]))


def switches_of(raw: bytes) -> tuple[int, int]:
    """Return the voluntary and the involuntary context switches of a thread, of its /proc/.../status."""
    found = _SWITCHES.findall(raw)
    return (int(found[0]), int(found[1])) if len(found) == 2 else (0, 0)


def cpu_clock(pid: int) -> int:
    """Return the number of the clock that counts a whole process's processor time, ended threads included.

    As clock_getcpuclockid(3) makes it; the kernel lets anyone read it.
    """
    return (~pid << 3) | 2


def boot_s() -> float:
    """Return the seconds since the machine was started, those asleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def command_of(pid: int, most: int = 4096) -> str:
    """Return a process's command line in one line of text; the empty text where it is not told."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123  (a Path is three times as slow)
            return file.read(most).rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def environment_of(pid: int) -> bytes | None:
    """Return the environment a process began with; none where it may not be read."""
    try:
        return (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None


def parents() -> dict[int, int]:
    """Return the parent of every process that can be seen: for kernels that list no children."""
    found = {}
    for entry in os.scandir(PROC):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/stat", "rb") as file:  # noqa: PTH123
                    found[int(entry.name)] = stat_of(file.read()).parent
            except (OSError, ValueError, IndexError):
                continue
    return found


def has_children_lists() -> bool:
    """Say whether this kernel lists a thread's children."""
    pid = os.getpid()
    return (PROC / str(pid) / "task" / str(pid) / "children").exists()


def own_children_lists() -> list[Source]:
    """Return the lists of this process's children: of its first thread, which orphans come to, and of this one."""
    us = os.getpid()
    return [Source(f"/proc/{us}/task/{tid}/children") for tid in {us, threading.get_native_id()}]


def own_children() -> set[int]:
    """Return the numbers of this process's children."""
    if not has_children_lists():
        return {pid for pid, parent in parents().items() if parent == os.getpid()}
    found: set[int] = set()
    for source in own_children_lists():
        found |= {int(pid) for pid in source.read(MOST_BYTES).split()}
        source.close()
    return found


def no_wait_reason() -> str:
    """Return why this kernel counts no run-queue wait; the empty text where it does."""
    try:
        counted = (PROC / "self" / "schedstat").read_text()
    except OSError as error:
        return f"/proc/PID/schedstat: {error.strerror}"
    return "" if counted.split()[0] != "0" else "this kernel's /proc/PID/schedstat counts nothing"
