"""A finished profile: its tables, its figures in any window, and how a run that was cut off becomes one."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.balance.meter import FRAMES
from hwmodel.balance.profile import folder as folders
from hwmodel.balance.profile import window as windows
from hwmodel.balance.profile.journal import TABLES, to_parquet
from hwmodel.balance.profile.series import Window, steady

if TYPE_CHECKING:
    import pandas as pd

LEAST_COVERAGE = 0.95


class Profile:
    """What was seen of a command.

    Attributes:
        folder: where it is.
        about: what profile.yaml says.
    """

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self.folder, self.about = folder, about

    def _table(self, name: str) -> "pd.DataFrame":
        import pandas as pd

        path = self.folder / f"{name}.parquet"
        try:
            return pd.read_parquet(path)
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None

    @cached_property
    def ticks(self) -> "pd.DataFrame":
        """A row a tick: the whole tree, frames, the machine."""
        return self._table("ticks")

    @cached_property
    def roles(self) -> "pd.DataFrame":
        """A row a tick and role."""
        return self._table("roles")

    @cached_property
    def processes(self) -> "pd.DataFrame":
        """A row a process."""
        return self._table("processes")

    @cached_property
    def phases(self) -> "pd.DataFrame":
        """A row a tick and phase: the sums of its meters, over processes."""
        return self._table("phases")

    @cached_property
    def gpu(self) -> "pd.DataFrame | None":
        """A row a reading and GPU; none where there are no GPU figures."""
        return self._table("gpu") if (self.folder / "gpu.parquet").exists() else None

    @property
    def wall_s(self) -> float:
        """Seconds from the start to the last tick."""
        return float(self.ticks["time_s"].iloc[-1]) if len(self.ticks) else 0.0

    @cached_property
    def period_s(self) -> float:
        """The median time between ticks."""
        return float(np.median(np.diff(self.ticks["time_s"]))) if len(self.ticks) > 1 else 0.0

    def frame_counts(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return when frames were counted and how many there were in all by then; none where none were counted."""
        ticks: Any = self.ticks
        told = ticks[["frames_time_s", "frames"]].dropna().drop_duplicates("frames_time_s")
        if len(told) and self.about.get("frames_looked_for"):
            return told["frames_time_s"].to_numpy(), told["frames"].to_numpy()
        phases: Any = self.phases
        metered = phases[phases["phase"] == FRAMES]
        if not len(metered):
            return None
        times = metered["time_s"].to_numpy()
        return np.r_[times[0] - self.period_s, times], np.r_[0.0, metered["size"].to_numpy()]  # 0 before the first tick

    def steady(self) -> Window:
        """Return the window after the warm-up: by frames, or where none were counted by processor time."""
        counted = self.frame_counts()
        if counted is not None and counted[1][-1] > counted[1][0]:
            return steady(*counted, "frames", self.wall_s)
        return steady(self.ticks["time_s"].to_numpy(), self.ticks["cpu_s"].to_numpy(), "processor time", self.wall_s)

    def window(self, start_s: float, end_s: float) -> dict[str, Any]:
        """Return rates, shares and means from `start_s` to `end_s`, in seconds since the command was started.

        Raises:
            InputError: the window is empty or not within the run.
        """
        if not 0 <= start_s < end_s <= self.wall_s + 1e-6:
            raise InputError(f"window {start_s:g} to {end_s:g} s: give two times within 0 to {self.wall_s:g} s")
        return windows.window(self, start_s, end_s)


def finish(folder: Path, ended: dict[str, Any]) -> Profile:
    """Make a run's journal into the tables and profile.yaml.

    Raises:
        InputError: they cannot be written.
    """
    journal = folder / folders.JOURNAL
    for name in TABLES:
        if (journal / f"{name}.arrows").exists():
            to_parquet(journal, folder, name)
    about = {"format": folders.FORMAT, "hwmodel": __version__, "basis": "measured"} | folders.read_begun(folder) | ended
    profile = Profile(folder, about)
    profile.about = _ordered(about | _summary(profile, about))
    folders.write_about(folder, profile.about)
    return profile


def read_profile(folder: Path) -> Profile:
    """Return the profile that a folder holds; a run whose watcher was killed is finished first, as far as it got.

    Raises:
        InputError: the folder holds none.
    """
    if folders.abandoned(folder):
        told = "the watcher was killed; the last seconds, and processes that lived then, are missing"
        return finish(folder, {"ended": {"how": "not known: " + told, "exit_status": None, "signal": None, "by": None},
                               "warnings": [told]})  # fmt: skip
    return Profile(folder, folders.read_about(folder))


def _summary(profile: Profile, about: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of the whole run and of its steady window."""
    from hwmodel.cli import jsonable

    ticks = profile.ticks
    if not len(ticks):
        return {"wall_s": 0.0, "totals": None, "steady": None}
    found = profile.steady()
    figures = windows.window(profile, found.start_s, found.end_s) if found.end_s > found.start_s else {}
    whole = windows.window(profile, 0.0, profile.wall_s) if profile.wall_s else {}
    counted = profile.frame_counts()
    last = ticks.iloc[-1]
    kernel = about.pop("kernel", None) or {}
    coverage, warnings = _coverage(float(last["cpu_s"]), kernel.get("cpu_s"))
    totals = {
        "cpu_s": kernel.get("cpu_s") and max(kernel["cpu_s"], float(last["cpu_s"])),
        "sampled_cpu_s": last["cpu_s"], "coverage": coverage, "wait_s": last["wait_s"], "slices": last["slices"],
        **{name: value for name, value in kernel.items() if name != "cpu_s"},
        "peak_rss_bytes": ticks["rss_bytes"].max(), "processes": about.pop("processes_seen", None),
        "most_processes": ticks["processes"].max(), "most_threads": ticks["threads"].max(),
    }  # fmt: skip
    looked_for = about.get("frames_looked_for") if bool(np.any(ticks["frames"].notna())) else None
    frames = {"total": None if counted is None else counted[1][-1],
              "by": None if counted is None else looked_for or "the job's meters"}  # fmt: skip
    return jsonable({
        "wall_s": about.get("wall_s", profile.wall_s), "frames": frames, "totals": totals,
        "steady": {"how": found.how, "settled": found.settled, **figures},
        "roles": whole.get("roles", []), "phases": whole.get("phases", []),
        "warnings": [*about.get("warnings", []), *warnings],
    })  # fmt: skip


def _coverage(sampled_s: float, kernel_s: float | None) -> tuple[float | None, list[str]]:
    """Return the share of the processor time that was seen at ticks, and what there is to say of the rest."""
    if not kernel_s:
        return None, []
    share = min(sampled_s / kernel_s, 1.0)
    if share >= LEAST_COVERAGE:
        return share, []
    lost = 100 * (1 - share)
    told = f"{lost:.0f} % of the processor time is of processes that ended between two ticks"
    return share, [f"{told}; it is in the totals and in no role"]


_ORDER = ("format", "hwmodel", "basis", "command", "folder", "started", "ended", "wall_s", "frames", "totals", "steady",
          "roles", "phases", "gpu", "cpus", "nodes", "machine", "hz", "terminal", "watching", "warnings")  # fmt: skip


def _ordered(about: dict[str, Any]) -> dict[str, Any]:
    return {name: about[name] for name in (*_ORDER, *about) if name in about}
