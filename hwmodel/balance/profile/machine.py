"""The machine that a command runs on: its processors' time, stolen time, pressure, nodes of memory."""

import contextlib
import os
import re
from pathlib import Path
from typing import Any

from circuits.errors import InputError
from hwmodel.balance.profile.proc import TICKS_PER_S, Source

PRESSURE, CGROUPS, NODES = Path("/proc/pressure"), Path("/sys/fs/cgroup"), Path("/sys/devices/system/node")
KINDS = ("cpu", "io", "memory")

_TOTAL = re.compile(rb"^some .*total=(\d+)", re.MULTILINE)


class Machine:
    """Counters of the whole machine since this object was made.

    Attributes:
        unreadable: what is not told here, and why.
        pressure_of: `machine`, or the control group whose pressure is read.
        nodes: which processors each node of memory has.
    """

    def __init__(self) -> None:
        self.unreadable: dict[str, str] = {}
        self.nodes = _nodes()
        self._stat = self._open("processor_time", Path("/proc/stat"))
        group = _own_group()
        self.pressure_of = str(group) if group else "machine"
        where = {kind: group / f"{kind}.pressure" if group else PRESSURE / kind for kind in KINDS}
        self._pressure = {kind: self._open(f"pressure_{kind}", path) for kind, path in where.items()}
        self._first = self._read()
        self.nothing: dict[str, float | None] = dict.fromkeys(self._first)

    def _open(self, name: str, path: Path) -> Source | None:
        try:
            source = Source(str(path))
            source.read()
        except OSError as error:
            self.unreadable[name] = f"{path}: {error.strerror}"
            return None
        return source

    def read(self) -> dict[str, float | None]:
        """Return processor seconds of all processors at work and stolen, and seconds of pressure (some waited)."""
        now = self._read()
        first = self._first
        return {name: None if value is None or first[name] is None else value - first[name]
                for name, value in now.items()}  # fmt: skip

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = {"machine_busy_s": None, "machine_steal_s": None}
        if self._stat is not None:
            fields = [int(one) for one in self._stat.read(256).split(b"\n", 1)[0].split()[1:]]
            user, nice, system, _, _, irq, softirq, steal = fields[:8]
            found["machine_busy_s"] = (user + nice + system + irq + softirq) / TICKS_PER_S
            found["machine_steal_s"] = steal / TICKS_PER_S
        for kind, source in self._pressure.items():
            total = None
            if source is not None:
                with contextlib.suppress(OSError):
                    total = _TOTAL.search(source.read(512))
            found[f"pressure_{kind}_s"] = int(total[1]) / 1e6 if total else None
        return found

    def close(self) -> None:
        """Let all descriptors go."""
        for source in (self._stat, *self._pressure.values()):
            if source is not None:
                source.close()

    def node_of_cpu(self) -> dict[int, int]:
        """Return the node that each processor belongs to."""
        return {cpu: node for node, cpus in self.nodes.items() for cpu in cpus}


def _own_group() -> Path | None:
    """Return the control group that this process is in, where it is not the root's and tells its pressure."""
    try:
        own = re.search(r"^0::(/.+)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    except OSError:
        return None
    group = CGROUPS / own[1].lstrip("/") if own else None
    return group if group is not None and (group / "cpu.pressure").exists() else None


def _nodes() -> dict[int, list[int]]:
    found = {}
    for path in sorted(NODES.glob("node[0-9]*/cpulist")):
        with contextlib.suppress(OSError, ValueError):
            found[int(path.parent.name[4:])] = cpus_of(path.read_text().strip())
    return found


def cpus_of(text: str) -> list[int]:
    """Return the processors that a list such as `0-3,8` names.

    Raises:
        ValueError: it is no such list.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, sign, last = part.partition("-")
        low, high = int(first), int(last) if sign else int(first)
        if not 0 <= low <= high < 1 << 16:
            raise ValueError(text)
        found |= set(range(low, high + 1))
    return sorted(found)


def given_cpus(text: str | None) -> list[int] | None:
    """Return the processors that a user names; none for none.

    Raises:
        InputError: the text is no list of processors.
    """
    if text is None:
        return None
    try:
        return cpus_of(text)
    except ValueError:
        raise InputError(f"cpus {text!r}: give processors such as 0-3,8") from None


def described(machine: Machine) -> dict[str, Any]:
    """Return what there is to say of the machine once."""
    from hwmodel.latency.profile import conditions

    allowed = sorted(os.sched_getaffinity(0))
    found: dict[str, Any] = conditions.machine() | conditions.system() | {"allowed_cpus": len(allowed)}
    found.pop("instruction_sets", None)
    found |= {"nodes": {node: len(cpus) for node, cpus in machine.nodes.items()}, "pressure_of": machine.pressure_of}
    if machine.unreadable:
        found["unreadable"] = dict(found.get("unreadable") or {}) | machine.unreadable
    return found
