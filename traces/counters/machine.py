"""The machine that counts: its GPU, as the driver names it, and the profiler."""

import csv
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from traces.errors import InputError

ASK_S = 120.0  # what a question to the driver or the profiler may take
PLACES = ("/usr/local/cuda*/bin/ncu", "/opt/nvidia/nsight-compute/*/ncu")
DESCRIPTIONS = Path(__file__).with_name("gpus.yaml")
FIELDS = ("name", "driver_version", "clocks.max.sm", "clocks.max.memory")


@dataclass(frozen=True)
class Machine:
    """What counted: as a file of counters tells it."""

    gpu: str  # as its driver names it
    driver: str
    clock: str  # the highest of SMs and memory, as the driver says them; they were not locked
    ncu: Path
    ncu_version: str


def find_machine() -> Machine:
    """Return this machine's first GPU and its profiler.

    Raises:
        InputError: where there is no NVIDIA GPU, or no Nsight Compute.
    """
    gpu, driver, *clocks = _gpu()
    ncu = find_ncu()
    found = re.search(r"Version ([\w.]+)", _ask([str(ncu), "--version"], "ncu --version"))
    clock = ", ".join(f"{what} {text}" for what, text in zip(("SM", "memory"), clocks, strict=True))
    return Machine(gpu, driver, clock, ncu, found[1] if found else "unknown")


def _gpu() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        raise InputError("counters: no NVIDIA GPU: there is no nvidia-smi here; run it on a machine with one")
    command = ["nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader"]
    printed = _ask(command, "counters: no NVIDIA GPU: nvidia-smi")
    rows = [[field.strip() for field in row] for row in csv.reader(printed.splitlines()) if len(row) == len(FIELDS)]
    if not rows:
        raise InputError("counters: no NVIDIA GPU: nvidia-smi lists none")
    return rows[0]


def find_ncu() -> Path:
    """Return the profiler: that on PATH, else the newest where NVIDIA's installers put it.

    Raises:
        InputError: where there is none.
    """
    if on_path := shutil.which("ncu"):
        return Path(on_path)
    found = [place for pattern in PLACES for place in _glob(pattern) if os.access(place, os.X_OK)]
    if not found:
        raise InputError("counters: no ncu on PATH or in " + ", ".join(PLACES) + "; install NVIDIA Nsight Compute")
    return max(found, key=lambda place: [int(number) for number in re.findall(r"\d+", str(place))])


def _glob(pattern: str) -> Iterable[Path]:
    root = Path(pattern).anchor
    return Path(root).glob(pattern.removeprefix(root))


def _ask(command: list[str], what: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=ASK_S, check=False,  # noqa: S603
                              env=os.environ | {"LC_ALL": "C"})  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{what}: {' '.join(str(error).split())[:200]}") from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[:200]
        raise InputError(f"{what}: ended with {done.returncode}: {said or 'no word'}")
    return done.stdout


def known_metrics(machine: Machine) -> set[str]:
    """Return the names of the L2's, DRAM's and the clock's counters that the profiler lists for this GPU.

    Raises:
        InputError: where it lists none.
    """
    printed = _ask([str(machine.ncu), "--query-metrics"], "ncu --query-metrics")
    found = set(re.findall(r"\b(?:lts|dram|gpu)__[a-z0-9_]+", printed))
    if not found:
        raise InputError(f"{machine.gpu}: ncu --query-metrics lists no counters of L2; does ncu support this GPU?")
    return found


def describe(name: str) -> str:
    """Return the description of traces/gpus that a GPU is, by its driver's name.

    Raises:
        InputError: where there is none.
    """
    for description, names in _descriptions().items():
        if name in names:
            return description
    raise InputError(f"GPU {name!r}: not described; name one that is like it with --gpu, or give its .yaml file")


@cache
def _descriptions() -> dict[str, list[str]]:
    import yaml

    return yaml.safe_load(DESCRIPTIONS.read_text(encoding="utf-8"))
