"""On what a measurement was made: the machine and its state. What cannot be read is null, and says why."""

import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

CPUINFO, STAT, MEMORY = Path("/proc/cpuinfo"), Path("/proc/stat"), Path("/proc/meminfo")
CPUS, THERMAL = Path("/sys/devices/system/cpu"), Path("/sys/class/thermal")
BOARD = Path("/proc/device-tree/model")  # how boards with an Arm processor name themselves


class UnreadableError(Exception):
    """A figure that this machine does not tell, with the reason."""


def gather(readers: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return what each reader reads by its name; null for what cannot be, and why under `unreadable`."""
    found: dict[str, Any] = {}
    reasons = {}
    for name, read in readers.items():
        try:
            found[name] = read()
        except UnreadableError as error:
            found[name], reasons[name] = None, str(error)
        except OSError as error:
            found[name], reasons[name] = None, f"{error.filename or name}: {error.strerror or error}"
    return found | ({"unreadable": reasons} if reasons else {})


def machine() -> dict[str, Any]:
    """Return what does not change while a machine is the same: what stands in the first line of a session's file."""
    return gather({
        "processor": processor,
        "architecture": platform.machine,
        "logical_cores": lambda: os.cpu_count() or 0,
    })  # fmt: skip


def system() -> dict[str, Any]:
    """Return the rest of what is said once: kernel, memory, instruction set."""
    return gather({
        "kernel": lambda: f"{platform.system()} {platform.release()}",
        "python": platform.python_version,
        "memory_bytes": lambda: 1024 * int(_field(MEMORY, "MemTotal").split()[0]),
        "instruction_sets": lambda: _field(CPUINFO, "flags", "Features"),
        "hypervisor": lambda: "hypervisor" in _field(CPUINFO, "flags").split(),
    })  # fmt: skip


def state(cores: Sequence[int]) -> dict[str, Any]:
    """Return the state that the machine is in now, and these cores of it."""
    core = cores[0] if cores else 0
    return gather({
        "governor": lambda: _read(CPUS / f"cpu{core}" / "cpufreq" / "scaling_governor"),
        "frequency_Hz": lambda: frequency_Hz(core),
        "temperature_C": temperature_C,
        "load_average": lambda: os.getloadavg()[0],
        "steal_s": lambda: steal_s(cores),
    })  # fmt: skip


def processor() -> str:
    """Return the processor's name; on Arm, which has none, the board's, or the numbers of maker and part."""
    names = [name for name in (_maybe(CPUINFO, "model name"), _board()) if name]
    if names:
        return names[0]
    return f"implementer {_field(CPUINFO, 'CPU implementer')} part {_field(CPUINFO, 'CPU part')}"


def frequency_Hz(core: int) -> float:
    """Return the frequency of a core now."""
    try:
        return 1e3 * float(_read(CPUS / f"cpu{core}" / "cpufreq" / "scaling_cur_freq"))  # kHz
    except (OSError, ValueError):
        for part in CPUINFO.read_text(encoding="utf-8").split("\n\n"):
            here = re.search(rf"^processor\s*: {core}$", part, re.MULTILINE)
            if here and (found := re.search(r"^cpu MHz\s*: ([\d.]+)", part, re.MULTILINE)):
                return 1e6 * float(found[1])
        raise UnreadableError(f"neither {CPUS}/cpu{core}/cpufreq nor {CPUINFO} tells it") from None


def temperature_C() -> float:
    """Return the temperature of the hottest zone."""
    found = []
    for zone in sorted(THERMAL.glob("thermal_zone*/temp")):
        try:
            found.append(int(_read(zone)) / 1e3)
        except (OSError, ValueError):
            continue
    if not found:
        raise UnreadableError(f"{THERMAL} has no zone that can be read")
    return max(found)


def steal_s(cores: Sequence[int]) -> float:
    """Return for how long a hypervisor has given these cores to others since the start."""
    total = 0
    for core in cores:
        fields = re.search(rf"^cpu{core} (.*)$", STAT.read_text(encoding="utf-8"), re.MULTILINE)
        if fields is None or len(values := fields[1].split()) < 8:
            raise UnreadableError(f"{STAT} does not tell it of core {core}")
        total += int(values[7])
    return total / os.sysconf("SC_CLK_TCK")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip("\0\n ")


def _board() -> str:
    try:
        return _read(BOARD)
    except (OSError, UnicodeDecodeError):
        return ""


def _field(path: Path, *names: str) -> str:
    """Return the first field of one of these names."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = re.search(rf"^(?:{'|'.join(names)})\s*:\s*(.+)$", text, re.MULTILINE)
    if found is None:
        raise UnreadableError(f"{path} has no {' or '.join(names)}")
    return found[1].strip()


def _maybe(path: Path, name: str) -> str:
    try:
        return _field(path, name)
    except (OSError, UnreadableError):
        return ""
