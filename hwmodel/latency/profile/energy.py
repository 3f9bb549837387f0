"""What runs cost in joules: by the machine's own counters where zeus can read them, else by an assumed power, else not.

Counters count the whole package or board, idle or not. So the power of the idle machine is measured in the same
session, and what it would have drawn meanwhile is taken off.
"""

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from circuits.errors import InputError

IDLE_S, IDLE_READINGS = 0.5, 4  # how long the machine is left idle for one reading of its power


@dataclass(frozen=True)
class Counter:
    """Joules since some time in the past, that only grow."""

    name: str
    read_J: Callable[[], float]


@dataclass(frozen=True)
class Energy:
    """Where a session's joules come from.

    Attributes:
        basis: `measured`, `estimated`, or none.
        counter: what is read at each visit, if anything.
        idle_W: of the machine while nothing ran.
        core_W: assumed of a core that computes.
        reason: why there are none, or none measured.
    """

    basis: str | None
    counter: Counter | None = None
    idle_W: float | None = None
    core_W: float | None = None
    reason: str = ""

    def of_run(self, cpu_s: float, counted: Sequence[tuple[float, float, int]]) -> tuple[float | None, float | None]:
        """Return the joules of a run: without what the idle machine draws, and with it.

        Args:
            cpu_s: of a run.
            counted: (joules, seconds, runs) of each visit.
        """
        if self.basis == "estimated" and self.core_W is not None:
            return self.core_W * cpu_s, None
        if self.basis != "measured" or not counted:
            return None, None
        total = median(joules / runs for joules, _, runs in counted)
        net = median((joules - (self.idle_W or 0.0) * seconds) / runs for joules, seconds, runs in counted)
        return net, total


def find(core_W: float | None, find_counter: "Callable[[], Counter | str] | None" = None) -> Energy:
    """Return where a session's joules come from.

    Args:
        core_W: assumed power of a core, used where there is no counter.
        find_counter: looks for a counter; it returns the reason where there is none.

    Raises:
        InputError: for a power that is none.
    """
    if core_W is not None and not 0 < core_W < 1e4:
        raise InputError(f"core power {core_W!r}: give watts of one core, more than 0")
    found = (find_counter or zeus_counter)()
    if isinstance(found, Counter):
        return Energy("measured", found, idle_W=_idle_W(found), reason=f"{found.name}; less the idle machine's power")
    if core_W is not None:
        return Energy("estimated", core_W=core_W, reason=f"processor time x {core_W:g} W a core (assumed); {found}")
    return Energy(None, reason=found)


def _idle_W(counter: Counter) -> float:
    found = []
    for _ in range(IDLE_READINGS):
        joules, start = counter.read_J(), time.perf_counter()
        time.sleep(IDLE_S)
        found.append((counter.read_J() - joules) / (time.perf_counter() - start))
    return median(found)


def zeus_counter() -> Counter | str:
    """Return the counter that zeus finds on this machine: a processor's (RAPL), or a board's (Jetson)."""
    if importlib.util.find_spec("zeus") is None:
        return "zeus is not installed; pip install 'hwmodel[energy]'"
    reasons = []
    for find_one in (_processors, _board):
        try:
            return find_one()
        except Exception as error:  # zeus raises many kinds, and OSError where counters are closed to users
            reasons.append(" ".join(str(error).split()) or type(error).__name__)
    return f"no counter: {'; '.join(dict.fromkeys(reasons))}"


def _processors() -> Counter:
    from zeus.device.cpu import get_cpus  # pyright: ignore[reportMissingImports]

    cpus = get_cpus()

    def read_J() -> float:
        return sum(cpus.get_total_energy_consumption(index).cpu_mj for index in range(len(cpus))) / 1e3

    read_J()  # fails here where it may not be read
    return Counter("RAPL, all packages", read_J)


def _board() -> Counter:
    from zeus.device.soc import get_soc  # pyright: ignore[reportMissingImports]

    soc: Any = get_soc()

    def read_J() -> float:
        found = soc.get_total_energy_consumption()
        parts = (getattr(found, name, None) for name in ("total_energy_mj", "cpu_energy_mj", "cpu_total_mj"))
        joules = next((part for part in parts if part is not None), None)
        if joules is None:
            raise OSError("the board's counter tells nothing of its processor")
        return joules / 1e3

    read_J()
    return Counter(f"{type(soc).__name__}'s own counter", read_J)
