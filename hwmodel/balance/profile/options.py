"""How a command is watched."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from circuits.errors import InputError
from hwmodel.balance.profile.frames import InFile, InOutput, Source

MOST_HZ, LEAST_HZ = 1000.0, 0.1
GPU_HZ = 2.0


@dataclass(frozen=True)
class Options:
    """How a command is watched.

    Attributes:
        hz: ticks a second.
        seconds: after how long it is ended; none: when it ends.
        frames: a pattern on the output, or on `frames_file`.
        frames_file: a file that grows.
        frames_column: a column of that file instead of a pattern.
        cpus: processors that the command is held to.
        roles: rules, (name, pattern).
        terminal: whether the command's output is a terminal.
        show: whether its output is passed on to standard error.
        gpu_hz: how often GPUs are read.
        stop_with_first: end all when the command's own process has ended.
        grace_s: how long it may take to end after SIGINT, and after SIGTERM.
    """

    hz: float = 10.0
    seconds: float | None = None
    frames: str | None = None
    frames_file: Path | None = None
    frames_column: str | None = None
    cpus: Sequence[int] | None = None
    roles: Sequence[tuple[str, str]] = ()
    terminal: bool = True
    show: bool = False
    gpu_hz: float = GPU_HZ
    stop_with_first: bool = False
    grace_s: tuple[float, float] = (10.0, 5.0)

    def checked(self) -> "Options":
        """Return these.

        Raises:
            InputError: for a figure that cannot be.
        """
        for name, value in (("hz", self.hz), ("gpu hz", self.gpu_hz)):
            if not LEAST_HZ <= value <= MOST_HZ:
                raise InputError(f"{name} {value:g}: give {LEAST_HZ:g} to {MOST_HZ:g} ticks a second")
        if self.seconds is not None and not 0 < self.seconds < 1e9:
            raise InputError(f"seconds {self.seconds:g}: give more than 0")
        if self.frames_file is None and self.frames_column is not None:
            raise InputError(f"frames column {self.frames_column!r}: give the file it is in, --frames-file")
        return self

    def source(self) -> "Source | None":
        """Return where frames are looked for, besides the meters."""
        if self.frames_file is not None:
            return InFile(self.frames_file, self.frames, self.frames_column)
        return None if self.frames is None else InOutput(self.frames)
