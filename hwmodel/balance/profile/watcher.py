"""Watches a command: starts it, looks at all it starts at each tick, ends it if need be, keeps what was seen."""

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from hwmodel.balance.meter import FOLDER
from hwmodel.balance.profile import about
from hwmodel.balance.profile import folder as folders
from hwmodel.balance.profile.child import (
    Ending,
    checked_command,
    checked_cpus,
    many_descriptors,
    start,
    subreaper,
)
from hwmodel.balance.profile.clocks import Clocks
from hwmodel.balance.profile.frames import InOutput
from hwmodel.balance.profile.gpus import Gpus
from hwmodel.balance.profile.journal import TABLES, Journal
from hwmodel.balance.profile.machine import Machine
from hwmodel.balance.profile.options import Options
from hwmodel.balance.profile.output import Output
from hwmodel.balance.profile.phases import Phases
from hwmodel.balance.profile.proc import own_children
from hwmodel.balance.profile.results import Profile, finish
from hwmodel.balance.profile.roles import Roles
from hwmodel.balance.profile.run import Run
from hwmodel.balance.profile.sums import Pace
from hwmodel.balance.profile.tree import Tree

ENDING_HZ = 10.0  # at least, while the command is being ended
KILLED_S = 10.0  # how long killed processes may take to go


def watch(
    command: Sequence[str],
    output: Path,
    *,
    hz: float = 10.0,
    seconds: float | None = None,
    frames: str | None = None,
    cpus: Sequence[int] | None = None,
    roles: Sequence[tuple[str, str]] = (),
    environment: Mapping[str, str] | None = None,
    **more: Any,
) -> Profile:
    """Run a command to its end and return what was seen of it; the folder holds the same.

    Args:
        command: the program and its arguments.
        output: a new or empty folder.
        hz: ticks a second.
        seconds: after how long the command is ended; none: it ends by itself.
        frames: a pattern on the output whose one group is a running total, or `(?P<more>...)`, or `(?P<rate>...)`.
        cpus: processors to hold the command to.
        roles: rules for processes' roles, (name, pattern).
        environment: of the command; this process's if not given.
        more: the further fields of `Options`.

    Raises:
        InputError: for options that cannot be, a command that cannot be run, a folder that cannot be written.
        KeyboardInterrupt: Ctrl-C was heard; the command was ended and the profile kept.
    """
    options = Options(hz=hz, seconds=seconds, frames=frames, cpus=checked_cpus(cpus), roles=roles, **more).checked()
    command = checked_command(command)
    with ExitStack() as stack:
        heard, woken = stack.enter_context(signals())
        journal = stack.enter_context(folders.held(output))
        run, child = _begin(command, output.resolve(), journal, options, dict(environment or os.environ), stack)
        cpu_s = time.process_time()
        try:
            _loop(run, child, heard, woken)
        except BaseException:
            run.tree.kill()
            raise
        cpu_s = time.process_time() - cpu_s
        child.returncode = run.reaped.status or 0  # it was waited for, though not by subprocess
        _close(run)
        profile = finish(output, about.ended(run, cpu_s))
    if heard:
        raise KeyboardInterrupt
    return profile


@contextmanager
def signals() -> Iterator[tuple[list[int], int]]:
    """Collect the signals that ask us to end, and make a descriptor readable; in the first thread only."""
    heard: list[int] = []
    woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def hear(number: int, _: object) -> None:
        heard.append(number)
        os.eventfd_write(woken, 1)

    ours = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    first = threading.current_thread() is threading.main_thread()
    # What was ignored before, as under nohup, stays so.
    before = {number: signal.signal(number, hear) for number in ours
              if first and signal.getsignal(number) != signal.SIG_IGN}  # fmt: skip
    try:
        yield heard, woken
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(woken)


def _begin(
    command: Sequence[str],
    output: Path,
    journal: Path,
    options: Options,
    environment: dict[str, str],
    stack: ExitStack,
) -> tuple[Run, subprocess.Popen[bytes]]:
    """Open all that will be read and written, and start the command."""
    alone, others = threading.active_count() == 1, own_children()
    roles, source = Roles(options.roles), options.source()
    machine, gpus = Machine(), Gpus(options.gpu_hz)
    stack.callback(machine.close)
    stack.callback(gpus.close)
    if not stack.enter_context(subreaper()):
        raise InputError("this kernel has no child subreaper, which Linux has since 3.4")
    try:
        log = (output / folders.LOG).open("wb", buffering=0)
        stack.callback(_quietly, log.close)
        tables = Journal(journal, [name for name in TABLES if name != "gpu" or gpus.devices])
        stack.callback(tables.close)
    except OSError as error:
        raise InputError(f"{output}: cannot be written to: {error.strerror}; give another --output") from None
    environment[FOLDER] = str(output / folders.METERS)
    child, descriptor = start(command, environment, options.cpus, options.terminal)
    clocks = Clocks()
    stack.enter_context(many_descriptors())
    printed = Output(
        descriptor, log, looked_through=isinstance(source, InOutput), show=options.show, clock=clocks.now_s
    )
    marker = f"{FOLDER}={environment[FOLDER]}".encode()
    tree = Tree(child.pid, roles, Pace.at(options.hz), marker, alone=alone, others=others)
    stack.callback(tree.close)
    run = Run(options, clocks, tree, Phases(output / folders.METERS), machine, gpus, tables, printed, source)
    tree.ended = run.ended
    gpus.start(clocks.now_s, tree.alive.__contains__)
    folders.write_begun(journal, about.begun(run, command))
    return run, child


def _quietly(close: Callable[[], None]) -> None:
    with suppress(OSError):
        close()


def _loop(run: Run, child: subprocess.Popen[bytes], heard: Sequence[int], woken: int) -> None:
    """Tick until nothing of the command lives."""
    period_s, seconds = 1 / run.options.hz, run.options.seconds
    ending, killed_s, due_s, hurries = None, None, 0.0, 1
    poll = select.poll()
    poll.register(woken, select.POLLIN)
    first = _ends_at(child.pid)
    if first >= 0:
        poll.register(first, select.POLLIN)
    try:
        while True:
            now_s = run.clocks.now_s()
            run.tick(max(now_s - due_s, 0.0))
            run.reaped.reap(run.tree, now_s)
            if run.tree.is_over(now_s):
                return
            if child.pid not in run.tree.mine and first >= 0:
                poll.unregister(first)
                os.close(first)
                first = -1
            over = seconds is not None and now_s >= seconds
            run.ended_by = run.ended_by or _reason(
                heard, over, run.options.stop_with_first and child.pid not in run.tree.mine
            )
            if run.ended_by:
                ending = ending or Ending(run.tree, run.options.grace_s)
                ending.step(now_s, hurry=len(heard) > hurries)  # asked again: less patience
                hurries = max(hurries, len(heard))
                run.last_signal = ending.last
                killed_s = killed_s or (now_s if ending.last == "SIGKILL" else None)
                if killed_s is not None and now_s - killed_s > KILLED_S:
                    run.warnings.append(f"{len(run.tree.alive)} processes did not end when they were killed")
                    return
                period_s = min(period_s, 1 / ENDING_HZ)
            now_s = run.clocks.now_s()
            if now_s >= due_s:
                due_s += period_s * (1 + (now_s - due_s) // period_s)
            until_s = due_s if seconds is None or ending else min(due_s, seconds)
            poll.poll(max(1e3 * (until_s - now_s), 0))
            with suppress(BlockingIOError):
                os.eventfd_read(woken)
    finally:
        if first >= 0:
            os.close(first)


def _ends_at(pid: int) -> int:
    """Return a descriptor that is readable when a process has ended; -1 where there is none (before Linux 5.3)."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1


def _reason(heard: Sequence[int], time_is_over: bool, first_ended: bool) -> str:
    """Return why the command shall be ended; the empty text: it shall not."""
    if heard:
        return "Ctrl-C" if heard[0] == signal.SIGINT else signal.Signals(heard[0]).name
    return "--seconds" if time_is_over else "--stop-with-first" if first_ended else ""


def _close(run: Run) -> None:
    """Take in what came last."""
    now_s = run.clocks.now_s()
    for process in [*run.tree.alive.values()]:
        run.tree.finish(process.pid, now_s)
    lines = run.output.close()
    if run.source is not None:
        run.source.look(lines, now_s)
    for row in run.gpus.close():
        run.journal.add("gpu", row)
    run.tick()
    run.journal.close()
