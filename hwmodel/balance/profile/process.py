"""One process that is watched: its processor time, its threads' waits for a core, the children it makes.

Reading is cheap because little is read. A process's own clock, one call, says whether anything in it ran; where nothing
did, none of its counters moved and none is read. Threads that sleep are read less and less often, down to once a
second. All counters are sums since the process began, so what is read late is late, not lost.
"""

import contextlib
import os
import time
from dataclasses import dataclass

from hwmodel.balance.profile.proc import MOST_BYTES, Source, cpu_clock, stat_of, switches_of

_MANY_THREADS = 64  # of a process with more, only so many are asked for their kinds of switches


@dataclass(frozen=True)
class Pace:
    """How often what is looked at, in ticks: `threads` that began; `thorough`, everything, and the memory."""

    threads: int
    thorough: int

    @classmethod
    def at(cls, hz: float) -> "Pace":
        """Return the pace of so many ticks a second: threads at about 4 Hz, all at about 1 Hz."""
        return cls(max(round(hz / 4), 1), max(round(hz), 1))


class Thread:
    """A thread's counters as they were read last."""

    __slots__ = ("children", "children_raw", "due", "pause", "raw", "schedstat", "slices", "wait_ns")

    def __init__(self, base: str, lists_children: bool) -> None:
        self.schedstat: Source | None = None
        self.children: Source | None = None
        with contextlib.suppress(PermissionError):
            self.schedstat = Source(f"{base}/schedstat")
        if lists_children:
            with contextlib.suppress(PermissionError):
                self.children = Source(f"{base}/children")
        self.raw = self.children_raw = b""
        self.wait_ns = self.slices = self.due = 0
        self.pause = 1

    def close(self) -> None:
        for source in (self.schedstat, self.children):
            if source is not None:
                source.close()


class Process:
    """A process of the tree.

    Attributes:
        cpu_ns: processor time of all its threads, ended ones too.
        wait_ns: time that threads were ready and had no core, as far as it was seen before they ended.
        slices: how often a thread was given a core.
    """

    def __init__(self, pid: int, *, lists_children: bool, waits: bool) -> None:
        """Open what will be read.

        Raises:
            OSError: it has ended already.
        """
        self.pid = pid
        self._lists, self._waits = lists_children, waits
        self._stat = Source(f"/proc/{pid}/stat")
        self._folder = -1
        self.threads: dict[int, Thread] = {}
        try:
            self.stat = stat_of(self._stat.read())
            with contextlib.suppress(OSError):
                self._folder = os.open(f"/proc/{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self.clock = cpu_clock(pid)
            self._find_threads()
        except BaseException:
            self.close()
            raise
        self.begun = self.stat.start
        self.cpu_ns = self.wait_ns = self.slices = 0
        self.most_threads = len(self.threads)
        self.peak_rss_bytes = 0
        self.switches: tuple[int, int] | None = None
        self.role = -1
        self.parent = self.stat.parent
        self.command = ""
        self.first_s = self.seen_s = 0.0
        self.accounted: tuple[int, int, int, int, int] = (
            0,
            0,
            0,
            0,
            0,
        )  # processor time, wait, slices, threads, memory: what the tree has counted
        self.seen = False

    def advance(self, tick: int, pace: "Pace") -> tuple[bool, list[int]]:
        """Read what moved since the last time; return whether anything ran, and numbers of children not seen before.

        Args:
            tick: the tick's number.
            pace: how often what is looked at.

        Raises:
            OSError: it has ended and is waited for.
        """
        cpu_ns = time.clock_gettime_ns(self.clock)
        ran = cpu_ns != self.cpu_ns
        thorough = (tick + self.pid) % pace.thorough == 0 or not self.seen  # not all in the same tick
        if not (ran or thorough):
            return False, []
        born: list[int] = []
        if thorough:
            self.stat = stat_of(self._stat.read(1024))
            self.peak_rss_bytes = max(self.peak_rss_bytes, self.stat.rss_bytes)
            if self.stat.threads != len(self.threads):
                self._find_threads()
        elif tick % pace.threads == 0 and self._number_of_threads() != len(self.threads):
            self._find_threads()
        gone = None
        for tid, thread in self.threads.items():
            if thread.due > tick and not thorough:
                continue
            try:
                moved = self._read(thread)
                if moved or thorough:
                    thread.pause = 1
                    if thread.children is not None:
                        self._born(thread, born)
                else:
                    thread.pause = min(2 * thread.pause, pace.thorough)
                thread.due = tick + thread.pause
            except OSError:
                if tid == self.pid:
                    raise
                gone = [*(gone or ()), tid]
        if gone:
            for tid in gone:
                self.threads.pop(tid).close()
        self.cpu_ns = cpu_ns
        self.seen = True
        return ran, born

    def _read(self, thread: Thread) -> bool:
        """Add what a thread's counters grew by; return whether they did."""
        if thread.schedstat is None:
            return True
        raw = thread.schedstat.read(128)
        if raw == thread.raw:
            return False
        thread.raw = raw
        if self._waits:
            _, waited, slices = raw.split()
            wait_ns, number = int(waited), int(slices)
            self.wait_ns += wait_ns - thread.wait_ns
            self.slices += number - thread.slices
            thread.wait_ns, thread.slices = wait_ns, number
        return True

    @staticmethod
    def _born(thread: Thread, born: list[int]) -> None:
        assert thread.children is not None
        raw = thread.children.read(MOST_BYTES)
        if raw != thread.children_raw:
            known = set(thread.children_raw.split())
            born += [int(pid) for pid in raw.split() if pid not in known]
            thread.children_raw = raw

    def _number_of_threads(self) -> int:
        """Return how many there are: the folder's links, besides those that any folder has."""
        return os.fstat(self._folder).st_nlink - 2 if self._folder >= 0 else len(self.threads)

    def _find_threads(self) -> None:
        """Begin with threads that are new; those that ended show when they are read."""
        for name in os.listdir(f"/proc/{self.pid}/task"):  # noqa: PTH208
            tid = int(name)
            if tid not in self.threads:
                try:
                    self.threads[tid] = Thread(f"/proc/{self.pid}/task/{name}", self._lists)
                except (FileNotFoundError, ProcessLookupError):
                    continue
        self.most_threads = max(getattr(self, "most_threads", 0), len(self.threads))

    def find_switches(self) -> None:
        """Read how often its threads gave a core up, and how often one was taken; dear, so seldom."""
        total = [0, 0]
        for tid in list(self.threads)[:_MANY_THREADS]:
            try:
                with open(f"/proc/{self.pid}/task/{tid}/status", "rb") as file:  # noqa: PTH123
                    for kind, number in enumerate(switches_of(file.read())):
                        total[kind] += number
            except OSError:
                continue
        if any(total):
            self.switches = total[0], total[1]

    def close(self) -> None:
        """Let all descriptors go."""
        for thread in self.threads.values():
            thread.close()
        self._stat.close()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1
