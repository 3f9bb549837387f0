"""Everything that a command has started, however deep and however detached, and what it takes of the machine.

The watching process is the subreaper of the command's: what loses its parent becomes a child of ours, so nothing gets
away. Sums by role are of what a process did while it had that role.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterable

from hwmodel.balance.profile.batch import Batch
from hwmodel.balance.profile.proc import (
    MOST_BYTES,
    command_of,
    environment_of,
    has_children_lists,
    no_wait_reason,
    own_children,
    own_children_lists,
    parents,
)
from hwmodel.balance.profile.process import Process
from hwmodel.balance.profile.roles import Roles
from hwmodel.balance.profile.sums import Pace, Sums


class Tree:
    """The processes of a command.

    Args:
        root: the command's own process.
        roles: names processes' roles.
        pace: how often what is looked at.
        marker: what the environment of everything that the command starts holds.
        alone: whether nobody else in this process starts children meanwhile.
        others: children that this process had before.

    Attributes:
        alive: by number.
        ended: called with each process that has ended, once.
        sums: of each role, by its number.
        seen_s: when all was looked at last.
    """

    def __init__(self, root: int, roles: Roles, pace: Pace, marker: bytes, *, alone: bool, others: set[int]) -> None:
        self.root, self.roles, self.pace, self._marker, self._alone = root, roles, pace, marker, alone
        self.ended: Callable[[Process], None] = lambda _: None
        self.lists_children = has_children_lists()
        self.no_wait = no_wait_reason()
        self.alive: dict[int, Process] = {}
        self.sums: list[Sums] = []
        self.began = 0
        self.phases: dict[int, set[str]] = {}  # of each process: what its meters count
        self.seen_s = 0.0
        self.unreadable = 0
        self._unread: set[int] = set()
        self._batch = Batch()
        self._one_by_one: list[Process] = []
        self._listed_at = 0, 0, 0  # processes begun, alive and batched, when that list was made
        self.sessions: set[int] = set()
        self._seen_ours: dict[str, bytes] = {}
        self._ours = own_children_lists() if self.lists_children else []
        self._not_ours = others
        self.mine: set[int] = {root}  # children of ours that have to be waited for
        self._begin(root, 0.0)

    def tick(self, number: int, now_s: float) -> None:
        """Look at everything that may have moved."""
        for one in self.sums:
            one.running = 0
        born = self._adopted() if self.lists_children else self._listed(number)
        quickly = number % self.pace.look != 0 and self._batch.tick()
        if not quickly:
            self._batch.leave()
        waiting: Iterable[Process] = self._not_batched()
        while waiting or born:
            for process in waiting:
                name = process.stat.name
                try:
                    found = process.advance(number, self.pace)
                except OSError:
                    self._end(process)
                    born.append(process.pid)  # another may have the number by now
                    continue
                if found is None:
                    continue
                born += found
                if process.stat.name != name:
                    self.assign(process)
            waiting = [one for pid in born if pid not in self.alive and (one := self._begin(pid, now_s))]
            born.clear()
        if not quickly:
            self._batch.enter(one for one in self.alive.values() if one.is_simple)
            self._listed_at = 0, 0, 0
        self.seen_s = now_s

    def is_over(self, now_s: float) -> bool:
        """Say whether nothing of the command lives, after what has ended was waited for.

        Whoever lost its parent became our child before that parent could be waited for, so none is missed.
        """
        if not (self.alive or self.mine):
            for pid in self._adopted() if self.lists_children else self._listed(0):
                self._begin(pid, now_s)
        return not (self.alive or self.mine)

    def _not_batched(self) -> list[Process]:
        """Return the processes that are read one by one; the list is kept for as long as it holds."""
        now = self.began, len(self.alive), len(self._batch.processes)
        if now != self._listed_at:
            batched = {process.pid for process in self._batch.processes}
            self._one_by_one = [one for pid, one in self.alive.items() if pid not in batched]
            self._listed_at = now
        return self._one_by_one

    def assign(self, process: Process) -> None:
        """Give a process its role anew; what it did before stays with the role that it had."""
        if process.role >= 0:
            self._batch.leave()
        role = self.roles.of(process, process.command, self.phases.get(process.pid, ()))
        while len(self.sums) <= role:
            self.sums.append(Sums())
        if role != process.role:
            process.role = role
            process.join(self.sums[role])

    def _begin(self, pid: int, now_s: float) -> Process | None:
        """Watch a process from now on, if it is of the tree."""
        try:
            process = Process(pid, lists_children=self.lists_children, waits=not self.no_wait)
        except OSError:
            if os.path.exists(f"/proc/{pid}"):  # noqa: PTH110
                self.unreadable += 1
                if pid not in own_children() - self._not_ours:
                    self._unread.add(pid)  # a child of one of the tree's
                elif self._alone or pid in self._unread:
                    self.mine.add(pid)  # it may not be read, and is ours to wait for nevertheless
            return None
        if process.parent not in self.alive and not self._is_adopted(process):
            process.close()
            return None
        process.command = command_of(pid)
        process.first_s = now_s
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

    def _end(self, process: Process) -> None:
        del self.alive[process.pid]
        process.end()
        self.ended(process)

    def finish(self, pid: int, now_s: float) -> None:
        """Read a child of ours for the last time: it has ended and is still there, as it is not waited for yet."""
        if process := self.alive.get(pid):
            self._batch.leave()
            with contextlib.suppress(OSError):
                process.read_all(self.pace)
            self.seen_s = now_s
            self._end(process)

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
        """Return children of ours that are not known; those that are have lost their parent, so we wait for them."""
        found = []
        for pid in children:
            if pid in self.alive:
                self.mine.add(pid)
            elif pid not in self._not_ours:
                found.append(pid)
        return found

    def _listed(self, number: int) -> list[int]:
        """Return the same by looking at every process of the machine, now and then."""
        if not self.pace.looks(number, 0):
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
