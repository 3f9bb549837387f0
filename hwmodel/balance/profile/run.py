"""A command that is being watched: one look at everything, and what of it is written down."""

import os
from dataclasses import dataclass, field
from typing import Any

from hwmodel.balance.profile.child import Reaped, text_of
from hwmodel.balance.profile.clocks import Clocks
from hwmodel.balance.profile.frames import Source
from hwmodel.balance.profile.gpus import Gpus
from hwmodel.balance.profile.journal import Journal
from hwmodel.balance.profile.machine import Machine
from hwmodel.balance.profile.options import Options
from hwmodel.balance.profile.output import Output
from hwmodel.balance.profile.phases import Phases
from hwmodel.balance.profile.proc import TICKS_PER_S, boot_s
from hwmodel.balance.profile.process import Process
from hwmodel.balance.profile.sums import Sums
from hwmodel.balance.profile.tree import Tree

SLOW_S = 1.0  # between two looks at the machine and the clocks
FLUSH_S = 4.0
SWITCHES_S = 10.0  # between two looks at how cores were given up, which is dear; fewer at the beginning


@dataclass
class Run:
    """What is read of a command, and what was seen."""

    options: Options
    clocks: Clocks
    tree: Tree
    phases: Phases
    machine: Machine
    gpus: Gpus
    journal: Journal
    output: Output
    source: Source | None
    reaped: Reaped = field(default_factory=Reaped)
    warnings: list[str] = field(default_factory=list)
    strayed: dict[int, str] = field(default_factory=dict)
    ended_by: str = ""
    last_signal: str = ""
    ticks: int = 0
    late_ticks: int = 0
    most_late_s: float = 0.0
    _slow_s: float = 0.0
    _flush_s: float = 1.0
    _switches_s: float = SLOW_S

    def __post_init__(self) -> None:
        """Remember how long the machine had been up when the run began."""
        self._up_s = boot_s() - self.clocks.now_s()

    def tick(self, late_s: float = 0.0) -> None:
        """Look at everything, and write down what was seen."""
        now_s = self.clocks.now_s()
        self.tree.tick(self.ticks, now_s)
        if self.phases.tick(self.ticks, self.tree.pace.looks(self.ticks, 0)):
            self._name_roles()
        if self.source is not None:
            self.source.look(self.output.lines(), now_s)
        slow = now_s >= self._slow_s
        if slow:
            self._slow_s = now_s + min(max(now_s, 0.1), SLOW_S)  # more often at first, for runs that are short
            self._now_and_then(now_s)
        self._write(now_s, late_s, self.machine.read() if slow else self.machine.nothing)
        self.ticks += 1
        self.late_ticks += late_s > 0.5 / self.options.hz
        self.most_late_s = max(self.most_late_s, late_s)

    def _name_roles(self) -> None:
        """Give processes whose meters count something new their roles."""
        self.tree.phases = self.phases.of_process
        for pid in self.phases.of_process:
            if process := self.tree.alive.get(pid):
                self.tree.assign(process)

    def _now_and_then(self, now_s: float) -> None:
        if told := self.clocks.check():
            self.warnings.append(told)
        if now_s >= self._switches_s:
            self._switches_s = min(2 * now_s, now_s + SWITCHES_S)
            for process in self.tree.alive.values():
                process.find_switches()
        if self.options.cpus is not None:
            self._check_cpus(set(self.options.cpus))
        if now_s >= self._flush_s:
            self._flush_s = now_s + min(now_s, FLUSH_S)
            self.journal.flush()

    def _check_cpus(self, held: set[int]) -> None:
        """Find processes that have left the processors that the command was held to."""
        for pid, process in self.tree.alive.items():
            try:
                found = os.sched_getaffinity(pid)
            except OSError:
                continue
            if not found <= held and pid not in self.strayed:
                self.strayed[pid] = f"{process.stat.name} ({pid}) on {text_of(found)}"

    def _write(self, now_s: float, late_s: float, machine: dict[str, float | None]) -> None:
        add, waits = self.journal.add, not self.tree.no_wait
        total = Sums()
        for name, one in zip(self.tree.roles.names, self.tree.sums, strict=False):
            add("roles", (now_s, name, *_figures(one, waits)))
            total.add(one)
        for name, sums in zip(self.phases.names, self.phases.sums.tolist(), strict=False):
            add("phases", (now_s, name, *sums))
        for row in self.gpus.rows():
            add("gpu", row)
        add("ticks", (now_s, *_figures(total, waits), *self._frames(now_s), *machine.values(), late_s))

    def _frames(self, now_s: float) -> tuple[float | None, float | None]:
        """Return frames so far and when that was so: from where they are looked for, else from the meters."""
        if self.source is not None and self.source.count.total is not None:
            return self.source.count.total, self.source.count.at_s
        frames = self.phases.frames if self.source is None else None
        return (None, None) if frames is None else (frames, now_s)

    def ended(self, process: Process) -> None:
        """Write down a process that has ended."""
        waits = not self.tree.no_wait
        voluntary, involuntary = process.switches or (None, None)
        self.journal.add("processes", (
            process.pid, process.parent, self.tree.roles.names[process.role], process.stat.name, process.command,
            max(process.begun / TICKS_PER_S - self._up_s, 0.0), self.tree.seen_s, process.most_threads,
            process.cpu_ns / 1e9, process.wait_ns / 1e9 if waits else None, process.slices if waits else None,
            voluntary, involuntary, process.peak_rss_bytes or None,
        ))  # fmt: skip


def _figures(sums: Sums, waits: bool) -> tuple[Any, ...]:
    return (sums.cpu_ns / 1e9, sums.wait_ns / 1e9 if waits else None, sums.slices if waits else None, sums.processes,
            sums.threads, sums.running, sums.rss_bytes)  # fmt: skip
