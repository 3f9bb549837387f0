"""The command as a child: in a session of its own, on a terminal of its own, held to its cores, ended in steps."""

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuits.errors import InputError
from hwmodel.balance.profile.tree import Tree

_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER = 36, 37  # of prctl(2)
STEPS = ((signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM"), (signal.SIGKILL, "SIGKILL"))


@contextlib.contextmanager
def subreaper() -> Iterator[bool]:
    """Take in what loses its parent below us; say whether the kernel does that."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = ctypes.c_int(0)
    libc.prctl(_GET_CHILD_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    done = libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield done
    finally:
        libc.prctl(_SET_CHILD_SUBREAPER, before.value, 0, 0, 0)


@contextlib.contextmanager
def many_descriptors() -> Iterator[None]:
    """Let this process open as many files as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def checked_command(command: Sequence[str]) -> list[str]:
    """Return the command.

    Raises:
        InputError: nothing is given, or there is no such program.
    """
    if not command:
        raise InputError("no command: give one after --, such as hwmodel balance profile -- python train.py")
    if any("\0" in part for part in command):
        raise InputError(f"command {command[0]!r}: has a zero byte in it")
    if shutil.which(command[0]) is None:
        there = os.path.exists(command[0])  # noqa: PTH110
        raise InputError(f"command {command[0]!r}: {'is no program that may be run' if there else 'not found'}")
    return list(command)


def checked_cpus(cpus: Sequence[int] | None) -> list[int] | None:
    """Return the processors that the command shall keep to.

    Raises:
        InputError: for processors that this process may not use.
    """
    if cpus is None:
        return None
    allowed = os.sched_getaffinity(0)
    if not cpus or not set(cpus) <= allowed:
        bad = sorted(set(cpus) - allowed)
        raise InputError(f"cpus {text_of(bad) or 'none'}: this process may use {text_of(allowed)}")
    return sorted(set(cpus))


def text_of(cpus: Sequence[int] | set[int]) -> str:
    """Return processors as people write them: `0-3,8`."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][-1] == cpu - 1:
            parts[-1][1:] = [cpu]
        else:
            parts.append([cpu])
    return ",".join("-".join(map(str, part)) for part in parts)


def start(
    command: Sequence[str], environment: Mapping[str, str], cpus: Sequence[int] | None, terminal: bool
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command; return it, and the descriptor from which all it prints is read.

    Raises:
        InputError: it cannot be started.
    """
    ours, theirs = _terminal() if terminal else os.pipe()
    before = os.sched_getaffinity(0)
    try:
        if cpus is not None:
            os.sched_setaffinity(0, cpus)  # of this thread, and of what it starts
        child = subprocess.Popen(  # noqa: S603  (what the user asks us to run)
            command, stdin=_stdin(), stdout=theirs, stderr=theirs, env=dict(environment), start_new_session=True
        )
    except OSError as error:
        os.close(ours)
        raise InputError(f"command {command[0]!r}: cannot be run: {error.strerror}") from None
    finally:
        os.sched_setaffinity(0, before)
        os.close(theirs)
    return child, ours


def _stdin() -> int | None:
    """Hand on what is piped to us; a terminal stays ours, as the command is no longer in its session."""
    try:
        return subprocess.DEVNULL if os.isatty(sys.stdin.fileno()) else None
    except (OSError, ValueError, AttributeError):
        return subprocess.DEVNULL


def _terminal() -> tuple[int, int]:
    """Open a terminal that changes nothing of what is written to it, as wide as ours."""
    ours, theirs = os.openpty()
    modes = termios.tcgetattr(theirs)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    columns, lines = shutil.get_terminal_size()
    with contextlib.suppress(OSError, termios.error):
        termios.tcsetwinsize(theirs, (lines, columns))
    return ours, theirs


@dataclass
class Reaped:
    """What the kernel says of processes that ended and were waited for, by us or by their parents in the tree."""

    cpu_s: float = 0.0
    voluntary_switches: int = 0
    involuntary_switches: int = 0
    status: int | None = None
    unknown: bool = False

    def reap(self, tree: Tree, now_s: float) -> bool:
        """Wait for those children of ours that have ended; return whether any had."""
        any_ended = False
        for pid in list(tree.mine):
            try:
                if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    continue
                tree.finish(pid, now_s)
                _, status, usage = os.wait4(pid, os.WNOHANG)
            except ChildProcessError:  # somebody else in this process waited for it
                self.unknown = True
                tree.mine.discard(pid)
                continue
            any_ended = True
            tree.mine.discard(pid)
            self.cpu_s += usage.ru_utime + usage.ru_stime
            self.voluntary_switches += usage.ru_nvcsw
            self.involuntary_switches += usage.ru_nivcsw
            if pid == tree.root:
                self.status = os.waitstatus_to_exitcode(status)
        return any_ended


class Ending:
    """Ends a tree in steps, each after the last one's grace: the command's group is asked first, then everything.

    Args:
        tree: what shall end.
        grace_s: after SIGINT, and after SIGTERM.
    """

    def __init__(self, tree: Tree, grace_s: tuple[float, float]) -> None:
        self._tree, self._grace_s = tree, grace_s
        self._step, self._next_s = 0, 0.0
        self.last = ""

    def step(self, now_s: float, hurry: bool = False) -> None:
        """Send the next signal if it is time, or if there is no more patience."""
        if self._step < len(STEPS) and (hurry or now_s >= self._next_s):
            number, self.last = STEPS[self._step]
            self._send(number, everything=self._step > 0)
            self._next_s = now_s + (self._grace_s[self._step] if self._step < len(self._grace_s) else 0.0)
            self._step += 1
        elif self._step == len(STEPS):
            self._send(signal.SIGKILL, everything=True)  # what was forked meanwhile

    def _send(self, number: signal.Signals, everything: bool) -> None:
        if self._tree.root in self._tree.mine:  # else the number may be another group's
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._tree.root, number)
        for process in list(self._tree.alive.values()) if everything or self._tree.root not in self._tree.mine else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)
