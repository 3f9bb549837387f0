"""One process that is watched: its processor time, its threads' waits for a core, the children it makes.

Reading is cheap because little is read. A process's own clock, one call, says whether anything in it ran; where nothing
did, none of its counters moved and none is read. Threads that sleep are read less and less often, down to once a
second. All counters are sums since the process began, so what is read late is late, not lost.
"""

import contextlib
import os
import time
from collections.abc import Sequence

from hwmodel.balance.profile.proc import PAGE_BYTES, Source, cpu_clock, stat_of, switches_of
from hwmodel.balance.profile.sums import Pace, Sums
from hwmodel.balance.profile.thread import Thread

_MANY_THREADS = 64  # of a process with more, only so many are asked for their kinds of switches
STAT_EVERY = 4  # of the looks at a process's memory, about one a second, so many apart


class Process:
    """A process of the tree.

    Attributes:
        sums: of its role, to which all it does is added.
        cpu_ns: processor time of all its threads, ended ones too.
        wait_ns: time that threads were ready and had no core, as far as it was seen before they ended.
        slices: how often a thread was given a core.
        is_simple: whether it ran of late, has had one thread all its life, and no children.
        switches: voluntary and involuntary ones, as they were seen last.
    """

    __slots__ = ("_born_at", "_clock", "_folder", "_has_children", "_lists", "_looks", "_stat", "_statm",
                 "_thorough_at", "_waits", "begun", "command", "cpu_ns", "first_s", "is_simple", "most_threads",
                 "parent", "peak_rss_bytes", "pid", "role", "rss_bytes", "slices", "stat", "sums", "switches",
                 "threads", "wait_ns")  # fmt: skip

    def __init__(self, pid: int, *, lists_children: bool, waits: bool) -> None:
        """Open what will be read.

        Raises:
            OSError: it has ended already.
        """
        self.pid = pid
        self.sums = Sums()
        self.cpu_ns = self.wait_ns = self.slices = self.rss_bytes = self.peak_rss_bytes = self.most_threads = 0
        self.switches: tuple[int, int] | None = None
        self.role, self.command = -1, ""
        self.first_s = 0.0
        self._lists, self._waits, self._has_children = lists_children, waits, False
        self._thorough_at, self._born_at = 0, -1
        self._folder = -1
        self.threads: dict[int, Thread] = {}
        self._clock = cpu_clock(pid)
        self.is_simple = False
        self._looks = 0
        self._stat = Source(f"/proc/{pid}/stat")
        self._statm = self._stat  # until it is opened
        try:
            self._statm = Source(f"/proc/{pid}/statm")
            self.stat = stat_of(self._stat.read())
            with contextlib.suppress(OSError):
                self._folder = os.open(f"/proc/{pid}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._find_threads()
        except BaseException:
            self.close()
            raise
        self.begun, self.parent = self.stat.start, self.stat.parent

    def advance(self, tick: int, pace: Pace) -> Sequence[int] | None:
        """Read what moved since the last time; return children not seen before, or none if nothing ran.

        Raises:
            OSError: it has ended and was waited for.
        """
        thorough = tick >= self._thorough_at
        if self._born_at < 0:
            self._born_at = tick
        look = thorough or pace.looks(tick, self._born_at)
        cpu_ns = time.clock_gettime_ns(self._clock)
        if cpu_ns == self.cpu_ns and not thorough:
            self.is_simple = False
            return None
        if thorough:
            self._look_closely(tick, pace)
        if look and self._number_of_threads() != len(self.threads):
            self._find_threads()
        born: list[int] = []
        gone: list[int] = []
        for tid, thread in self.threads.items():
            if thread.due > tick and tid != self.pid and not thorough:
                continue
            try:
                raw = b"" if thread.schedstat is None else thread.schedstat.read(128)
                if raw != thread.raw:
                    self._count(thread, raw)
                    thread.pause = 1
                elif thread.pause < pace.thorough:
                    thread.pause *= 2
                thread.due = tick + thread.pause
                if (look or self._has_children) and thread.children is not None:
                    born += thread.new_children(thread.children)
            except OSError:
                if tid == self.pid:
                    raise
                gone.append(tid)
        self._has_children = self._has_children or bool(born)
        for tid in gone:
            self.threads.pop(tid).close()
            self.sums.threads -= 1
        if cpu_ns != self.cpu_ns:
            sums = self.sums
            sums.cpu_ns += cpu_ns - self.cpu_ns
            sums.running += 1
            self.cpu_ns = cpu_ns
            self.is_simple = not pace.looks(tick + 1, self._born_at) and self._one_read_tells_all()
        else:
            self.is_simple = False
        return born

    def _one_read_tells_all(self) -> bool:
        """Say whether its counters are those of one thread, and that thread's file is open."""
        if self.most_threads > 1 or self._has_children or not self._waits:
            return False
        first = self.threads[self.pid].schedstat
        return first is not None and first.descriptor >= 0

    def take(self, cpu_ns: int, wait_ns: int, slices: int) -> None:
        """Know of time that its only thread took, and that is in its role's sums already."""
        self.cpu_ns += cpu_ns
        self.wait_ns += wait_ns
        self.slices += slices
        thread = self.threads[self.pid]
        thread.wait_ns += wait_ns
        thread.slices += slices

    def _count(self, thread: Thread, raw: bytes) -> None:
        """Add what a thread's counters grew by."""
        thread.raw = raw
        if self._waits:
            wait_ns, slices = thread.count(raw)
            self.wait_ns += wait_ns
            self.slices += slices
            self.sums.wait_ns += wait_ns
            self.sums.slices += slices

    def _look_closely(self, tick: int, pace: Pace) -> None:
        """Read its memory, and its name and core now and then; not all processes in the same tick."""
        every = pace.look * max(round(pace.thorough / pace.look), 1)
        self._thorough_at = tick + every - (tick + self.pid * pace.look) % every
        if self._looks % STAT_EVERY == 0:
            self.stat = stat_of(self._stat.read(1024))
            self.sums.cores[self.stat.cpu] = self.sums.cores.get(self.stat.cpu, 0) + 1
        self._looks += 1
        rss_bytes = int(self._statm.read(128).split(None, 2)[1]) * PAGE_BYTES
        self.sums.rss_bytes += rss_bytes - self.rss_bytes
        self.rss_bytes = rss_bytes
        self.peak_rss_bytes = max(self.peak_rss_bytes, rss_bytes)

    def _number_of_threads(self) -> int:
        """Return how many there are: the folder's links, besides those that any folder has."""
        return os.fstat(self._folder).st_nlink - 2 if self._folder >= 0 else len(self.threads)

    def _find_threads(self) -> None:
        """Begin with threads that are new; those that ended show when they are read."""
        before = len(self.threads)
        for name in os.listdir(f"/proc/{self.pid}/task"):  # noqa: PTH208
            tid = int(name)
            if tid not in self.threads:
                try:
                    self.threads[tid] = Thread(f"/proc/{self.pid}/task/{name}", self._lists)
                except (FileNotFoundError, ProcessLookupError):
                    continue
        self.sums.threads += len(self.threads) - before
        self.most_threads = max(self.most_threads, len(self.threads))

    def join(self, sums: Sums) -> None:
        """Become one of those whose sums these are; what it did before stays where it was added."""
        self._leave()
        self.sums = sums
        sums.processes += 1
        sums.threads += len(self.threads)
        sums.rss_bytes += self.rss_bytes

    def _leave(self) -> None:
        self.sums.processes -= 1
        self.sums.threads -= len(self.threads)
        self.sums.rss_bytes -= self.rss_bytes

    def read_all(self, pace: Pace) -> None:
        """Read everything for the last time.

        Raises:
            OSError: it has ended and was waited for.
        """
        self._thorough_at = self._looks = 0
        self.advance(0, pace)
        self.find_switches()

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

    def end(self) -> None:
        """Leave its role's numbers, and let all descriptors go."""
        self._leave()
        self.sums = Sums()
        self.close()

    def close(self) -> None:
        """Let all descriptors go."""
        for thread in self.threads.values():
            thread.close()
        self._stat.close()
        self._statm.close()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1
