"""Everything that a command has started, however deep and however detached, and what it takes of the machine.

The watching process is the subreaper of the command's: what loses its parent becomes a child of ours, so nothing gets
away. Sums by role are of what a process did while it had that role.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hwmodel.balance.profile.proc import (
    MOST_BYTES,
    Source,
    command_of,
    environment_of,
    has_children_lists,
    no_wait_reason,
    parents,
)
from hwmodel.balance.profile.process import Pace, Process
from hwmodel.balance.profile.roles import Roles


@dataclass
class Sums:
    """What the processes of a role have taken since the start, and how many there are now."""

    cpu_ns: int = 0
    wait_ns: int = 0
    slices: int = 0
    processes: int = 0
    threads: int = 0
    running: int = 0
    rss_bytes: int = 0
    nodes: dict[int, int] = field(default_factory=dict)  # of looks at a process: the node of the core it was on

    def add(self, other: "Sums") -> None:
        """Add another role's."""
        for name in ("cpu_ns", "wait_ns", "slices", "processes", "threads", "running", "rss_bytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Tree:
    """The processes of a command.

    Args:
        root: the command's own process.
        roles: names processes' roles.
        pace: how often what is looked at.
        marker: what the environment of everything that the command starts holds.
        alone: whether nobody else in this process starts children meanwhile.

    Attributes:
        alive: by number.
        ended: called with each process that has ended, once.
        sums: of each role, by its number.
    """

    def __init__(self, root: int, roles: Roles, pace: Pace, marker: bytes, *, alone: bool) -> None:
        self.root, self.roles, self._pace, self._marker, self._alone = root, roles, pace, marker, alone
        self.ended: Callable[[Process], None] = lambda _: None
        self.lists_children = has_children_lists()
        self.no_wait = no_wait_reason()
        self.alive: dict[int, Process] = {}
        self.sums: list[Sums] = []
        self.began = 0
        self.phases: dict[int, set[str]] = {}  # of each process: what its meters count
        self.node_of_cpu: dict[int, int] = {}
        self.unreadable = 0
        self.sessions: set[int] = set()
        self._seen_ours: dict[str, bytes] = {}
        ours = {os.getpid(), threading.get_native_id()}
        self._ours = [Source(f"/proc/{os.getpid()}/task/{tid}/children") for tid in ours] if self.lists_children else []
        self._not_ours = {pid for source in self._ours for pid in map(int, source.read(MOST_BYTES).split())} - {root}
        self.mine: set[int] = {root}  # children of ours that have to be waited for
        self._begin(root, 0.0)

    def tick(self, number: int, now_s: float) -> None:
        """Look at everything that may have moved."""
        for one in self.sums:
            one.running = 0
        born = self._adopted() if self.lists_children else self._listed(number)
        waiting = list(self.alive.values())
        while waiting or born:
            for process in waiting:
                born += self._advance(process, number, now_s)
            waiting = [one for pid in born if pid not in self.alive and (one := self._begin(pid, now_s))]
            born.clear()

    def _advance(self, process: Process, number: int, now_s: float) -> list[int]:
        """Read one process, and return the numbers of those that it began."""
        name = process.stat.name
        try:
            ran, born = process.advance(number, self._pace)
        except OSError:
            self._end(process, now_s)
            return [process.pid]  # another may have the number by now
        process.seen_s = now_s
        if process.stat.name != name:
            self.assign(process)
        sums = self.sums[process.role]
        sums.running += ran
        self._account(process, sums)
        return born

    def _account(self, process: Process, sums: Sums) -> None:
        """Add to the sums of a process's role what has come since it was accounted last."""
        cpu_ns, wait_ns, slices, threads, rss_bytes = process.accounted
        now = process.cpu_ns, process.wait_ns, process.slices, len(process.threads), process.stat.rss_bytes
        sums.cpu_ns += now[0] - cpu_ns
        sums.wait_ns += now[1] - wait_ns
        sums.slices += now[2] - slices
        sums.threads += now[3] - threads
        if now[4] != rss_bytes:
            sums.rss_bytes += now[4] - rss_bytes
            node = self.node_of_cpu.get(process.stat.cpu, -1)
            sums.nodes[node] = sums.nodes.get(node, 0) + 1
        process.accounted = now

    def assign(self, process: Process) -> None:
        """Give a process its role anew; what it did before stays with the role that it had."""
        role = self.roles.of(process, process.command, self.phases.get(process.pid, ()))
        while len(self.sums) <= role:
            self.sums.append(Sums())
        if role == process.role:
            return
        if process.role >= 0:
            self._count(process, -1)
        process.role = role
        self._count(process, 1)

    def _count(self, process: Process, sign: int) -> None:
        sums = self.sums[process.role]
        *_, threads, rss_bytes = process.accounted
        sums.processes += sign
        sums.threads += sign * threads
        sums.rss_bytes += sign * rss_bytes

    def _begin(self, pid: int, now_s: float) -> Process | None:
        """Watch a process from now on, if it is of the tree."""
        try:
            process = Process(pid, lists_children=self.lists_children, waits=not self.no_wait)
        except OSError:
            self.unreadable += os.path.exists(f"/proc/{pid}")  # noqa: PTH110
            return None
        if process.parent not in self.alive and not self._is_adopted(process):
            process.close()
            return None
        process.command = command_of(pid)
        process.first_s = process.seen_s = now_s
        self.alive[pid] = process
        self.began += 1
        self.assign(process)
        return process

    def _is_adopted(self, process: Process) -> bool:
        """Say whether a child of ours is the command or has lost its parent in the tree; others may be our caller's."""
        if process.parent != os.getpid() or process.pid in self._not_ours:
            return False
        if process.pid == self.root or self._alone or process.stat.session in self.sessions:
            return self._adopt(process)
        return self._marker in (environment_of(process.pid) or b"") and self._adopt(process)

    def _adopt(self, process: Process) -> bool:
        self.mine.add(process.pid)
        self.sessions.add(process.stat.session)
        return True

    def _end(self, process: Process, now_s: float) -> None:
        self._count(process, -1)
        del self.alive[process.pid]
        process.close()
        process.seen_s = now_s
        self.ended(process)

    def finish(self, pid: int, now_s: float) -> None:
        """Read a child of ours for the last time: it has ended and is still there, as it is not waited for yet."""
        if process := self.alive.get(pid):
            with contextlib.suppress(OSError):
                process.seen = False  # so that everything is read
                process.advance(0, self._pace)
                self._account(process, self.sums[process.role])
            with contextlib.suppress(OSError):
                process.find_switches()
            self._end(process, now_s)

    def _adopted(self) -> list[int]:
        """Return numbers of our own children that are not known yet."""
        found = []
        for source in self._ours:
            raw = source.read(MOST_BYTES)
            if raw != self._seen_ours.get(source.path):
                self._seen_ours[source.path] = raw
                found += self._strangers(map(int, raw.split()))
        return found

    def _strangers(self, children: Iterable[int]) -> list[int]:
        """Return those of our children that are not known; those that are have lost their parent, and are ours to reap."""
        found = []
        for pid in children:
            if pid in self.alive:
                self.mine.add(pid)
            elif pid not in self._not_ours:
                found.append(pid)
        return found

    def _listed(self, number: int) -> list[int]:
        """Return the same by looking at every process of the machine, now and then."""
        if number % self._pace.threads:
            return []
        parent_of, us = parents(), os.getpid()
        found = self._strangers(pid for pid, parent in parent_of.items() if parent == us)
        fresh = set(self.alive) | set(found)
        while fresh := {pid for pid, parent in parent_of.items() if parent in fresh} - self.alive.keys() - set(found):
            found += sorted(fresh)
        return found

    def kill(self) -> None:
        """Kill everything, as we cannot go on."""
        for pid in [*self.alive, *self.mine]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Let all descriptors go."""
        for process in [*self.alive.values()]:
            process.close()
        for source in self._ours:
            source.close()
